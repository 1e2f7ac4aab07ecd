import { relative, resolve } from 'node:path';
import { rolldown, type OutputChunk } from 'rolldown';
import { beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

/** The modules that a program loads with the main entry point. */
let loaded: readonly string[];
/** The modules that a program loads later, if ever. */
let onDemand: readonly string[];
beforeAll(async () => {
  const bundle = await rolldown({
    cwd: root,
    input: 'lib/index.ts',
    platform: 'node',
    external: /^(?!\.|\/|jose|valibot|lru-cache)/,
    tsconfig: 'tsconfig.build.json',
    checks: { configurationFieldConflict: false },
  });
  const { output } = await bundle.generate({ format: 'esm' });
  const chunks = output.filter((file): file is OutputChunk => file.type === 'chunk');
  const atOnce = new Set<OutputChunk>();
  const load = (chunk: OutputChunk | undefined): void => {
    if (chunk === undefined || atOnce.has(chunk)) return;
    atOnce.add(chunk);
    for (const name of chunk.imports) load(chunks.find(({ fileName }) => fileName === name));
  };
  load(chunks.find(({ isEntry }) => isEntry));
  const modulesOf = (all: Iterable<OutputChunk>) =>
    [...all].flatMap(({ moduleIds }) => moduleIds.map((id) => relative(root, id)));
  loaded = modulesOf(atOnce);
  onDemand = modulesOf(chunks.filter((chunk) => !atOnce.has(chunk)));
  await bundle.close();
}, 60_000);

describe('The main entry point', () => {
  it('loads the core, Box and the Nest modules, but no other entry point', () => {
    const folders = loaded.flatMap((module) => /^lib\/(\w+)\//.exec(module)?.[1] ?? []);
    expect([...new Set(folders)].toSorted()).toEqual(['box', 'core', 'nest']);
  });

  it('loads no code of connections but that of `@AsConnectedUser`', () => {
    expect(loaded.filter((module) => /connect|sign-in|vault/.test(module)).toSorted()).toEqual([
      'lib/box/connections/app-of-connections.ts',
      'lib/box/nest/box-connections.tokens.ts',
      'lib/core/connections/owner.ts',
      'lib/nest/connected-users.ts',
    ]);
  });

  it('loads no code of webhooks', () => {
    expect(loaded.filter((module) => module.includes('webhook'))).toEqual([]);
  });

  it('loads jose with the first assertion', () => {
    const packages = (modules: readonly string[]) => [
      ...new Set(modules.flatMap((module) => /node_modules\/([\w-]+)/.exec(module)?.[1] ?? [])),
    ];
    expect(packages(loaded).toSorted()).toEqual(['lru-cache', 'valibot']);
    expect(packages(onDemand)).toEqual(['jose']);
  });
});

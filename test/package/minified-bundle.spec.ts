import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const lib = join(root, 'lib');

const aliases = Object.fromEntries(
  ['axios', 'express', 'sdk', 'testing', 'undici', 'workfront'].map((name) => [
    `nestjs-box-auth/${name}`,
    join(lib, name, 'index.ts'),
  ]),
);

/** The output of `minified-app.ts`. */
interface Report {
  readonly refused: number;
  readonly served: unknown;
  readonly environment: string;
  readonly express: number;
  readonly error: unknown;
  readonly contexts: readonly string[];
  readonly channels: readonly string[];
  readonly events: readonly string[];
  readonly misused: readonly { readonly message: string }[];
  readonly ownName: string;
}

let folder: string;
let report: Report;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'minified-'));
  const file = join(folder, 'app.mjs');
  await build({
    cwd: root,
    input: 'test/package/minified-app.ts',
    platform: 'node',
    logLevel: 'silent',
    resolve: {
      alias: {
        ...aliases,
        'nestjs-box-auth': join(lib, 'index.ts'),
      },
    },
    output: { file, format: 'esm', minify: true, codeSplitting: false },
  });
  const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: folder });
  report = JSON.parse(stdout) as Report;
});
afterAll(() => rm(folder, { recursive: true }));

describe('An app that is bundled and minified with everything that it imports', () => {
  it('has no original class names', () => {
    expect(report.ownName).not.toBe('BoxAuthModule');
  });

  it('injects by type, acts for users and sends tokens', () => {
    expect(report.refused).toBe(502);
    expect(report.served).toEqual({
      fetch: '11111',
      axios: '11111',
      sdk: '11111',
      undici: '11111',
    });
    expect(report.express).toBe(200);
  });

  it('reads its credentials from the environment', () => {
    expect(report.environment).toBe('enterprise');
  });

  it('uses no code that reads a class name', async () => {
    const files = await readdir(lib, { recursive: true });
    const reading = files.filter(
      (file) =>
        file.endsWith('.ts') &&
        /\b[A-Z]\w*[a-z]\w*\.name\b|constructor\.name\b/.test(
          readFileSync(join(lib, file), 'utf8').replaceAll(/\/\/.*/g, ''),
        ),
    );
    expect(reading).toEqual([]);
  });

  it('logs under the names of the modules', () => {
    expect(report.contexts).toEqual([
      'BoxAuthExceptionFilter',
      'BoxAuthModule',
      'WorkfrontAuthModule',
    ]);
  });

  it('throws errors of the right class, name and code', () => {
    expect(report.error).toMatchObject({
      isBoxAuthError: true,
      name: 'BoxAuthError',
      code: 'app_not_authorized',
    });
  });

  it('emits events on the documented channels', () => {
    expect(report.channels).toEqual(['nestjs-box-auth:mint']);
    expect(report.events).toEqual(['failed', 'minted']);
  });

  it('names a misused module in errors', () => {
    const firstWords = report.misused.map(({ message }) =>
      message.split(' ').slice(0, 4).join(' '),
    );
    expect(firstWords).toEqual([
      'BoxAuthModule is imported without',
      'WorkfrontAuthModule is imported without',
      'Invalid options of BoxAuthModule.forRoot:',
      'BoxAuthModule.forRootAsync needs one of',
      'Invalid options of WorkfrontAuthModule.forRoot:',
      'WorkfrontAuthModule.forRootAsync needs one of',
    ]);
  });
});

// Builds dist/esm and dist/cjs: `npm run build`.
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build as bundle } from 'rolldown';
import { CommandFailed, root, runTool } from './command.mjs';
import { bundledPackages, entryPoints, manifest } from './manifest.mjs';

/** Where tsc writes one module per file, with compiled decorators. The bundles are built from these. */
const COMPILED = 'dist/compiled';
const PROGRAM = 'cli/main';
/** The Nest CLI requires it. */
const SCHEMATIC = 'schematics/nest-add';

await build().catch((/** @type {unknown} */ error) => {
  console.error(error instanceof CommandFailed ? error.message : error);
  process.exitCode = 1;
});

async function build() {
  await rm(join(root, 'dist'), { recursive: true, force: true });
  await mkdir(join(root, 'dist/cjs'), { recursive: true });
  await Promise.all([
    runTool('tsc', ['-p', 'tsconfig.build.json']).then(bundleBoth),
    runTool('tsc', ['-p', 'tsconfig.cjs.json']),
    writeFile(join(root, 'dist/cjs/package.json'), '{ "type": "commonjs" }\n'),
  ]);
  await cp(
    join(root, 'lib/schematics/collection.json'),
    join(root, 'dist/cjs/schematics/collection.json'),
  );
  await rm(join(root, COMPILED), { recursive: true });
  // Nothing imports the declarations of the schematic.
  await rm(join(root, 'dist/esm/schematics'), { recursive: true });
}

async function bundleBoth() {
  const entries = entryPoints.map(({ import: { default: file } }) =>
    file.slice('./dist/esm/'.length, -'.js'.length),
  );
  await bundleAs('cjs', [...entries, SCHEMATIC]);
  await bundleAs('esm', [...entries, PROGRAM]);
}

/**
 * @param {'cjs' | 'esm'} format
 * @param {string[]} entries such as `axios/index`
 */
async function bundleAs(format, entries) {
  const external = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).filter(
    (name) => !bundledPackages.includes(name),
  );
  const { output } = await bundle({
    cwd: root,
    input: Object.fromEntries(entries.map((name) => [name, `${COMPILED}/${name}.js`])),
    platform: 'node',
    external: external.map((name) => new RegExp(`^${name}(/|$)`)),
    onLog: (_level, log) => {
      throw new Error(log.message);
    },
    output: {
      dir: `dist/${format}`,
      format,
      chunkFileNames: 'chunks/[name].js',
      codeSplitting: {
        groups: [{ name: chunkNames(), debugName: 'main entry point' }],
      },
      comments: false, // the declarations have them
      // Jest supports import() as little as import.
      dynamicImportInCjs: false,
    },
  });
  const chunks = output.filter((file) => file.type === 'chunk');
  const modules = chunks.flatMap((chunk) => Object.keys(chunk.modules));
  expectDeclared(modules);
}

/**
 * Puts all modules that the main entry point imports into two chunks: importing dozens of files takes twice as long. Express
 * apps load the one without Nest.
 *
 * @returns {(id: string, context: import('rolldown').ChunkingContext) => string | null}
 */
function chunkNames() {
  const main = join(root, COMPILED, 'index.js');
  /** @type {Set<string>} */
  const modules = new Set();
  return (id, context) => {
    if (modules.size === 0) addImports(main, context, modules);
    if (id === main || !modules.has(id)) return null;
    return /[/\\]nest[/\\]/.test(id) ? 'nest' : 'box';
  };
}

/**
 * @param {string} id
 * @param {import('rolldown').ChunkingContext} context
 * @param {Set<string>} found
 */
function addImports(id, context, found) {
  if (found.has(id)) return;
  found.add(id);
  for (const imported of context.getModuleInfo(id)?.importedIds ?? []) {
    addImports(imported, context, found);
  }
}

/**
 * Fails on a package that lib imports without declaring it: it would end up in the bundle.
 *
 * @param {string[]} modules
 */
function expectDeclared(modules) {
  const packageOf = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/;
  const found = new Set(modules.flatMap((id) => packageOf.exec(id)?.[1] ?? []));
  const undeclared = [...found].filter((name) => !bundledPackages.includes(name));
  if (undeclared.length > 0) {
    throw new Error(
      `lib imports ${undeclared.join(', ')}, which package.json declares neither as a dependency nor as a peer.`,
    );
  }
}

// Builds dist/esm and dist/cjs: `npm run build`.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build as bundle } from 'rolldown';
import { CommandFailed, root, runTool } from './command.mjs';
import { bundledPackages, entryPoints, manifest } from './manifest.mjs';

await build().catch((/** @type {unknown} */ error) => {
  console.error(error instanceof CommandFailed ? error.message : error);
  process.exitCode = 1;
});

async function build() {
  await rm(join(root, 'dist'), { recursive: true, force: true });
  await mkdir(join(root, 'dist/cjs'), { recursive: true });
  await Promise.all([
    runTool('tsc', ['-p', 'tsconfig.build.json']).then(bundleForCommonJs),
    runTool('tsc', ['-p', 'tsconfig.cjs.json']),
    writeFile(join(root, 'dist/cjs/package.json'), '{ "type": "commonjs" }\n'),
  ]);
}

async function bundleForCommonJs() {
  const { output } = await bundle({
    cwd: root,
    input: esModulesByName(),
    platform: 'node',
    external: declaredPackages().map((name) => new RegExp(`^${name}(/|$)`)),
    onLog: (_level, log) => {
      throw new Error(log.message);
    },
    output: {
      dir: 'dist/cjs',
      format: 'cjs',
      chunkFileNames: 'chunks/[name].js',
      // Jest can import() as little as it can import.
      dynamicImportInCjs: false,
    },
  });
  const chunks = output.filter((file) => file.type === 'chunk');
  expectDeclared(chunks.flatMap((chunk) => Object.keys(chunk.modules)));
}

/** What is behind the entry points: `{ 'axios/index': './dist/esm/axios/index.js' }`. */
function esModulesByName() {
  const modules = entryPoints.map((entryPoint) => entryPoint.import.default);
  return Object.fromEntries(
    modules.map((file) => [file.slice('./dist/esm/'.length, -'.js'.length), file]),
  );
}

function declaredPackages() {
  const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  return declared.filter((name) => !bundledPackages.includes(name));
}

/**
 * A package that is imported without being declared ends up in the bundle.
 *
 * @param {string[]} bundledModules
 */
function expectDeclared(bundledModules) {
  const packageOf = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/;
  const found = new Set(bundledModules.flatMap((id) => packageOf.exec(id)?.[1] ?? []));
  const undeclared = [...found].filter((name) => !bundledPackages.includes(name));
  if (undeclared.length > 0) {
    throw new Error(
      `lib imports ${undeclared.join(', ')}, which package.json has neither as dependency nor as peer.`,
    );
  }
}

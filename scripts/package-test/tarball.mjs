import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root, run, runTool } from '../command.mjs';
import { bundledPackages, entryPoints, manifest } from '../manifest.mjs';
import { step } from '../step.mjs';

/**
 * @typedef {object} Tarball
 * @property {string} file
 * @property {string[]} paths the paths of its files
 * @property {string} size
 */

/**
 * Packs the tarball that `npm publish` would upload.
 *
 * @param {string} folder where to put it
 * @returns {Promise<Tarball>}
 */
export async function pack(folder) {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: root,
  });
  /** @type {[{ filename: string, size: number, unpackedSize: number, files: { path: string }[] }]} */
  // oxlint-disable-next-line typescript/no-unsafe-assignment -- the documented format of npm
  const [{ filename, size, unpackedSize, files }] = JSON.parse(stdout);
  return {
    file: join(folder, filename),
    paths: files.map((file) => file.path),
    size: `${files.length} files, ${kilobytes(size)}, unpacked ${kilobytes(unpackedSize)}`,
  };
}

/** @param {Tarball} tarball */
export async function checkTarball(tarball) {
  await step('the tarball is complete', () => expectComplete(tarball));
  await step('the tarball has no other files', () => expectNothingElse(tarball));
  await step('the package has no install script', expectNoInstallScript);
  await step('the licences of bundled code are in THIRD-PARTY-NOTICES', expectLicences);
  await step('publint --strict', async () => {
    await runTool('publint', ['run', tarball.file, '--strict']);
  });
  // TypeScript before 4.7 ignores `exports`, so it finds only the main entry point.
  await step('attw --profile node16', async () => {
    await runTool('attw', [tarball.file, '--profile', 'node16', '--format', 'ascii']);
  });
}

/** @param {Tarball} tarball */
async function expectComplete({ paths }) {
  const targets = entryPoints
    .flatMap((entryPoint) => [entryPoint.import, entryPoint.require])
    .flatMap((files) => [files.types, files.default]);
  const { bin, schematics } =
    /** @type {typeof manifest & { bin: Record<string, string>, schematics: string }} */ (manifest);
  const expected = [
    'LICENSE',
    'README.md',
    'dist/cjs/package.json',
    ...manifest.files.map((pattern) => pattern.replace(/\/\*.*$/, '')),
    ...targets,
    ...Object.values(bin),
    schematics,
    'dist/cjs/schematics/nest-add.js',
  ];
  const missing = expected
    .map((path) => path.replace(/^\.\//, ''))
    .filter((path) => !paths.some((packed) => packed === path || packed.startsWith(`${path}/`)));
  assert.ok(missing.length === 0, `Missing: ${missing.join(', ')}`);
}

/** @param {Tarball} tarball */
async function expectNothingElse({ paths, size }) {
  const needed =
    /^(package\.json|[A-Z-]+(\.ja)?(\.md)?|docs\/[\w-]+\.md|dist\/cjs\/(package|schematics\/collection)\.json|dist\/(esm|cjs)\/[\w/.-]+\.(js|d\.ts))$/;
  // The command line is an ES module and never required.
  const unneeded = paths.filter(
    (path) => !needed.test(path) || /\b(spec|test)\b|^dist\/cjs\/cli\//.test(path),
  );
  assert.ok(unneeded.length === 0, `Unneeded: ${unneeded.join(', ')}`);
  return size;
}

async function expectNoInstallScript() {
  const { scripts } = /** @type {typeof manifest & { scripts: Record<string, string> }} */ (
    manifest
  );
  const atInstall = ['preinstall', 'install', 'postinstall'].filter((name) => name in scripts);
  assert.deepEqual(atInstall, []);
}

async function expectLicences() {
  const notices = await readFile(join(root, 'THIRD-PARTY-NOTICES'), 'utf8');
  for (const name of bundledPackages) {
    const licence = await readFile(join(root, 'node_modules', name, 'LICENSE.md'), 'utf8');
    assert.ok(notices.includes(licence), `The licence of ${name} is missing or differs.`);
  }
}

/** @param {number} bytes */
function kilobytes(bytes) {
  return `${(bytes / 1_000).toFixed(0)} kB`;
}

import assert from 'node:assert/strict';
import { access, copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root, run, runTool } from '../command.mjs';
import { install } from './installation.mjs';
import { printedLines } from './printed-lines.mjs';
import { step } from '../step.mjs';

/**
 * @typedef {object} GeneratedApp an app from Nest's own generator
 * @property {string} name
 * @property {string} cli
 * @property {string[]} peers packages that it installs besides this one, and besides those that `nest add` installs
 * @property {string} config the range of `@nestjs/config` that `nest add` writes
 * @property {'module' | 'commonjs'} type
 */

/** @type {GeneratedApp[]} */
export const generatedApps = [
  {
    name: 'nest new of Nest 11: CommonJS, Jest',
    cli: '@nestjs/cli@11',
    peers: ['@nestjs/axios@4', 'axios'],
    config: '^4.0.0',
    type: 'commonjs',
  },
  {
    name: 'nest new of Nest 12: ES modules, Vitest',
    cli: '@nestjs/cli@12',
    peers: ['@nestjs/axios@12', 'axios'],
    config: '^12.0.0',
    type: 'module',
  },
];

/** Linters and deployment tools, half of the installation, which these tests do not use. */
const NEEDLESS = /eslint|prettier|oxlint|^globals$|^@nestjs\/mau$/;

/**
 * @param {GeneratedApp} generated
 * @param {string} tarball
 * @param {string} folder the parent of the app's folder
 */
export async function checkGeneratedApp({ name, cli, peers, config, type }, tarball, folder) {
  const app = join(folder, 'app');
  const isInstalled = await step(`${name}: is generated and installs`, async () => {
    await generate(cli, folder);
    await expectType(type, app);
    await dropNeedless(app);
    await install([tarball, ...peers], app);
  });
  if (!isInstalled) return;
  const isAdded = await step(`${name}: passes nest add`, () => expectAdded(config, app));
  if (!isAdded) return;
  await step(`${name}: passes npm test`, async () => {
    await addArchive(type, app);
    const { stdout, stderr } = await run('npm', ['test'], { cwd: app });
    assert.match(`${stdout}${stderr}`, /archive\.spec\.ts/, 'Our test was not run.');
  });
  await step(`${name}: passes npm run build`, async () => {
    await run('npm', ['run', 'build'], { cwd: app });
    await access(join(app, 'dist/archive.module.js'));
    await run(process.execPath, ['--eval', "import('./dist/archive.module.js')"], { cwd: app });
    const way = type === 'module' ? 'import' : 'require';
    assert.deepEqual(await printedLines(['start-app.cjs', way], app), [
      'a token for an enterprise',
    ]);
  });
}

/**
 * The package is installed already: `nest add` would install the published one.
 *
 * @param {string} config
 * @param {string} app
 */
async function expectAdded(config, app) {
  const add = () =>
    runTool('nest', ['add', 'nestjs-box-auth', '--skip-install'], { cwd: app, installedIn: app });
  const changed = ['package.json', 'src/app.module.ts', '.env.example'];
  const texts = () => Promise.all(changed.map((path) => readFile(join(app, path), 'utf8')));
  const { stdout } = await add();
  assert.match(stdout, /npx nestjs-box-auth doctor --dotenv \.env/);
  assert.equal((await manifestOf(app)).dependencies['@nestjs/config'], config);
  await access(join(app, 'node_modules/@nestjs/config'));
  const [, module, variables] = await texts();
  assert.match(module ?? '', /^ {2}imports: \[BoxAuthModule\.forRoot\(\)\],$/m);
  assert.match(variables ?? '', /^BOX_CONFIG_FILE=$/m);

  const before = await texts();
  const { stdout: secondOutput } = await add();
  assert.match(secondOutput, /src\/app\.module\.ts imports BoxAuthModule already/);
  assert.deepEqual(await texts(), before);
}

/**
 * @param {string} cli
 * @param {string} folder
 */
async function generate(cli, folder) {
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), '{ "private": true }');
  await install([cli], folder);
  const flags = ['--skip-git', '--skip-install', '--package-manager', 'npm'];
  await runTool('nest', ['new', 'app', ...flags], { cwd: folder, installedIn: folder });
  // The app depends on the generator, too.
  await rename(join(folder, 'node_modules'), join(folder, 'app/node_modules'));
}

/**
 * @param {GeneratedApp['type']} type
 * @param {string} app
 */
async function expectType(type, app) {
  assert.equal((await manifestOf(app)).type ?? 'commonjs', type);
}

/** @param {string} app */
async function dropNeedless(app) {
  const manifest = await manifestOf(app);
  const needed = Object.entries(manifest.devDependencies).filter(([name]) => !NEEDLESS.test(name));
  const devDependencies = Object.fromEntries(needed);
  await writeFile(join(app, 'package.json'), JSON.stringify({ ...manifest, devDependencies }));
}

/**
 * @param {string} app
 * @returns {Promise<{ type?: string } & Record<'dependencies' | 'devDependencies', Record<string, string>>>}
 */
async function manifestOf(app) {
  // oxlint-disable-next-line typescript/no-unsafe-return -- the generator's own format
  return JSON.parse(await readFile(join(app, 'package.json'), 'utf8'));
}

/**
 * Adds a module that uses the package, with its test, and a script that starts the built app.
 *
 * @param {GeneratedApp['type']} type
 * @param {string} app
 */
async function addArchive(type, app) {
  const ours = join(root, 'test/package/generated-app');
  await copyFile(join(ours, 'archive.module.ts'), join(app, 'src/archive.module.ts'));
  const test = await readFile(join(ours, 'archive.test.ts'), 'utf8');
  // CommonJS imports must have no extension: Jest would look for the .js file.
  const fitting = type === 'module' ? test : test.replace("archive.module.js'", "archive.module'");
  await writeFile(join(app, 'src/archive.spec.ts'), fitting);
  await copyFile(join(ours, 'start-app.cjs'), join(app, 'start-app.cjs'));
}

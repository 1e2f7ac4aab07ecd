// What is expected of an app that has installed the package: files of test/package, run in its folder.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run, runTool } from '../command.mjs';
import { manifest } from '../manifest.mjs';

/** @typedef {(folder: string) => Promise<string | void>} Expectation */

/**
 * @param {'consumer.cjs' | 'consumer.mjs'} script
 * @returns {Expectation}
 */
export function expectBoxCalled(script) {
  const oncePerApp = ['Emulated App', 'Alice'].flatMap((name) => [
    `BoxFetch: ${name}`,
    `HttpService: ${name}`,
  ]);
  const expected = [
    'forRoot({ credentials })',
    ...oncePerApp,
    'forRoot()',
    ...oncePerApp,
    'mints: 2',
  ];
  return async (folder) => {
    assert.deepEqual(await linesOf([script], folder), expected);
  };
}

/**
 * @param {'import' | 'require'} way
 * @param {string} [node] which one runs it, if it is not ours: its path in the folder
 * @returns {Expectation}
 */
export function expectExpressCallsBox(way, node) {
  return async (folder) => {
    assert.deepEqual(await linesOf(['consumer-express.cjs', way], folder, node), [
      '["Alice","Alice","Alice"]',
      'acting_user_missing',
      '502',
      'mints: 1',
    ]);
  };
}

/**
 * @param {'import' | 'require'} way
 * @returns {Expectation}
 */
export function expectSdkCallsBox(way) {
  return async (folder) => {
    assert.deepEqual(await linesOf(['consumer-sdk.cjs', way], folder), [
      'BoxClient: Emulated App',
      'BoxClient: Alice',
      'mints: 1',
    ]);
  };
}

/**
 * @param {'import' | 'require'} way
 * @returns {Expectation}
 */
export function expectUsableWithoutOptionalPeers(way) {
  return async (folder) => {
    const lines = await linesOf(['without-optional-peers.cjs', way], folder);
    assert.equal(lines[0], 'forRoot({ credentials }): a token for an enterprise');
    assert.match(
      lines[1] ?? '',
      /^forRoot\(\): BoxAuthError: .* @nestjs\/config, .* cannot be loaded/,
    );
  };
}

/**
 * @param {'import' | 'require'} way
 * @returns {Expectation}
 */
export function expectLoadedOnDemand(way) {
  const watched = new Set([...Object.keys(manifest.peerDependencies), 'ioredis', 'undici']);
  for (const name of ['@nestjs/common', '@nestjs/core', 'reflect-metadata', 'rxjs']) {
    watched.delete(name);
  }
  return async (folder) => {
    // Its module.register() is deprecated in Node 26, and its successor unknown to Node 20.
    const args = ['--disable-warning=DEP0205', 'loaded-packages.cjs', way];
    const lines = await linesOf(args, folder);
    const found = lines.map((line) => {
      /** @type {{ step: string, packages: string[] }} */
      // oxlint-disable-next-line typescript/no-unsafe-assignment -- as our script prints it
      const { step, packages } = JSON.parse(line);
      return `${step}: ${[...watched].filter((name) => packages.includes(name)).join(', ')}`;
    });
    assert.deepEqual(found, [
      'nestjs-box-auth/testing: ',
      'nestjs-box-auth: ',
      'forRoot(): @nestjs/config',
      'nestjs-box-auth/axios: @nestjs/axios, @nestjs/config, axios',
    ]);
  };
}

/**
 * @param {string} module
 * @param {string} moduleResolution
 * @param {string} [file]
 * @returns {Expectation}
 */
export function expectTypesFit(module, moduleResolution, file = 'consumer.ts') {
  return async (folder) => {
    await writeTsconfig({ module, moduleResolution, noEmit: true }, folder, file);
    await runTool('tsc', ['-p', 'tsconfig.json'], { cwd: folder });
  };
}

/** @type {Expectation} */
export async function expectJestPasses(folder) {
  // As in the app that `nest new` makes.
  const options = { module: 'nodenext', moduleResolution: 'nodenext', isolatedModules: true };
  await writeTsconfig(options, folder, 'consumer.ts');
  const config = {
    testRegex: String.raw`\.test\.ts$`,
    transform: { [String.raw`\.ts$`]: 'ts-jest' },
    cacheDirectory: join(folder, 'jest-cache'),
  };
  await runTool('jest', ['--config', JSON.stringify(config)], { cwd: folder, installedIn: folder });
}

/**
 * @param {Record<string, unknown>} options
 * @param {string} folder
 * @param {string} file
 */
async function writeTsconfig(options, folder, file) {
  const compilerOptions = {
    target: 'es2022',
    strict: true,
    skipLibCheck: false,
    types: ['node'],
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    ...options,
  };
  const tsconfig = { compilerOptions, files: [file] };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
}

/**
 * What Node printed, which must end by itself and leave stderr empty. It runs without our environment.
 *
 * @param {string[]} args
 * @param {string} folder
 * @param {string} [node]
 */
async function linesOf(args, folder, node) {
  const env = { PATH: process.env.PATH };
  const { stdout, stderr } = await run(
    node === undefined ? process.execPath : join(folder, node),
    args,
    {
      cwd: folder,
      env,
    },
  );
  assert.equal(stderr, '', `node ${args.join(' ')} wrote to stderr:\n${stderr}`);
  return stdout.trimEnd().split('\n');
}

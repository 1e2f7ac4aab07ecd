// Expectations of an app that is bundled, or runs on Bun or Deno, which it has installed.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { run, runTool } from '../command.mjs';
import { printedLines } from './printed-lines.mjs';

/** @typedef {import('./expected-calls.mjs').Expectation} Expectation */

/**
 * @param {Expectation} expectation
 * @returns {Expectation}
 */
export function onBun(expectation) {
  return async (folder) => {
    const bun = join(folder, 'node_modules/bun');
    // npm installs it without scripts, which would do this.
    await run(process.execPath, ['install.js'], { cwd: bun });
    return expectation(folder, join(bun, 'bin/bun.exe'));
  };
}

/** @type {Expectation} */
export async function expectLambdaCallsBoxOnDeno(folder) {
  const deno = ['node_modules/deno/bin.cjs', 'run', '--allow-all', '--node-modules-dir=manual'];
  await expectCalls(['node', ...deno], './consumer-lambda.mjs', folder);
}

/** Packages that Nest loads only if an app uses them. */
const OPTIONAL_PACKAGES = [
  '@nestjs/microservices',
  '@nestjs/platform-express',
  '@nestjs/websockets',
  'class-transformer',
  'class-validator',
];

/** @type {Record<'esm' | 'cjs', string[]>} */
const FORMATS = {
  // Some dependencies are CommonJS and call require.
  esm: [
    '--format=esm',
    "--banner:js=import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  ],
  cjs: ['--format=cjs'],
};

/**
 * @param {keyof typeof FORMATS} format
 * @param {string} bundle
 * @returns {Expectation}
 */
export function expectEsbuildLambdaCallsBox(format, bundle) {
  const flags = [
    '--bundle',
    '--minify',
    '--platform=node',
    '--target=node20',
    '--log-level=warning',
    ...OPTIONAL_PACKAGES.map((name) => `--external:${name}`),
    ...FORMATS[format],
  ];
  return async (folder) => {
    const args = ['consumer-lambda.mjs', ...flags, `--outfile=${bundle}`];
    await runTool('esbuild', args, { cwd: folder, installedIn: folder });
    await expectCalls(['node'], bundle, folder);
  };
}

/** @type {Expectation} */
export async function expectWebpackLambdaCallsBox(folder) {
  await runTool('webpack', ['build'], { cwd: folder, installedIn: folder });
  await expectCalls(['node'], './lambda.webpack.cjs', folder);
}

/**
 * @param {string[]} runtime
 * @param {string} lambda
 * @param {string} folder
 */
async function expectCalls(runtime, lambda, folder) {
  const calls = ['with-emulator.cjs', ...runtime, 'call-lambda.mjs', lambda];
  assert.deepEqual(await printedLines(calls, folder), [
    '["Alice","Alice","Alice"]',
    '["Bob","Bob","Bob"]',
    'mints: 1',
  ]);
}

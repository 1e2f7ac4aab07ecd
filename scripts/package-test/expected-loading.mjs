// Expectations of the entry points in an app that has installed all optional peers.
import assert from 'node:assert/strict';
import { manifest } from '../manifest.mjs';
import { printedLines } from './printed-lines.mjs';

const nest = ['@nestjs/common', '@nestjs/core', 'reflect-metadata'];

/**
 * The optional peers that each entry point may load.
 *
 * @type {Record<string, string[]>}
 */
const peersByEntryPoint = {
  'nestjs-box-auth': nest,
  'nestjs-box-auth/axios': [...nest, '@nestjs/axios', 'axios'],
  'nestjs-box-auth/undici': [],
  'nestjs-box-auth/sdk': [...nest, 'box-node-sdk'],
  'nestjs-box-auth/express': [],
  'nestjs-box-auth/express/axios': ['axios'],
  'nestjs-box-auth/express/sdk': ['box-node-sdk'],
  'nestjs-box-auth/redis': [],
  'nestjs-box-auth/sql': ['kysely'],
  'nestjs-box-auth/terminus': [...nest, '@nestjs/terminus'],
  'nestjs-box-auth/opentelemetry': ['@opentelemetry/api'],
  'nestjs-box-auth/connections': nest,
  'nestjs-box-auth/webhooks': nest,
  'nestjs-box-auth/workfront': nest,
  'nestjs-box-auth/workfront/axios': [...nest, '@nestjs/axios', 'axios'],
  'nestjs-box-auth/testing': [],
};

const optionalPeers = new Set(Object.keys(manifest.peerDependencies));
optionalPeers.delete('rxjs');

const entryPoints = Object.entries(manifest.exports)
  .filter(([, files]) => typeof files !== 'string')
  .map(([path]) => path.replace('.', manifest.name));

/**
 * @param {import('./expected-calls.mjs').Way} way
 * @returns {import('./expected-calls.mjs').Expectation}
 */
export function expectLoadedOnDemand(way) {
  return async (folder) => {
    assert.deepEqual(entryPoints, Object.keys(peersByEntryPoint));
    await Promise.all(
      Object.entries(peersByEntryPoint).map(async ([entryPoint, peers]) => {
        await expectLoaded(peers, [way, entryPoint], folder);
      }),
    );
    await expectLoaded([...nest, '@nestjs/config'], [way, manifest.name, 'forRoot'], folder);
  };
}

/** @type {import('./expected-calls.mjs').Expectation} */
export async function expectSameNamesEitherWay(folder) {
  const [imported, required] = await Promise.all(
    ['import', 'require'].map((way) =>
      printedLines(['exported-names.cjs', way, ...entryPoints], folder),
    ),
  );
  assert.deepEqual(required, imported);
}

/**
 * @param {string[]} peers
 * @param {string[]} args
 * @param {string} folder
 */
async function expectLoaded(peers, args, folder) {
  // module.register() is deprecated in Node 26, and its successor is missing in Node 20.
  const command = ['--disable-warning=DEP0205', 'loaded-packages.cjs', ...args];
  const [line = ''] = await printedLines(command, folder);
  /** @type {string[]} */
  // oxlint-disable-next-line typescript/no-unsafe-assignment -- the output of our own script
  const packages = JSON.parse(line);
  const loaded = packages.filter((name) => optionalPeers.has(name));
  assert.deepEqual(
    loaded.toSorted(),
    peers.toSorted(),
    `${args.join(' ')} loads ${loaded.join(', ')}`,
  );
}

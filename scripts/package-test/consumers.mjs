import { cp, mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { root } from '../command.mjs';
import {
  expectAccountsConnected,
  expectBoxCalled,
  expectConnectionsStored,
  expectExpressCallsBox,
  expectExpressCallsBoxBySdk,
  expectScriptCallsBox,
  expectSdkCallsBox,
  expectUsableWithoutOptionalPeers,
  expectWebhooksReceived,
  expectWorkfrontCalled,
} from './expected-calls.mjs';
import { expectCommandLineWorks } from './expected-command-line.mjs';
import { expectLoadedOnDemand, expectSameNamesEitherWay } from './expected-loading.mjs';
import {
  expectEsbuildLambdaCallsBox,
  expectLambdaCallsBoxOnDeno,
  expectWebpackLambdaCallsBox,
  onBun,
} from './expected-runtimes.mjs';
import { expectTypesFit } from './expected-types.mjs';
import { install } from './installation.mjs';
import { step } from '../step.mjs';

/** @typedef {import('./expected-calls.mjs').Expectation} Expectation */

/**
 * @typedef {object} Consumer an app in its own folder
 * @property {string} name
 * @property {'module' | 'commonjs'} type
 * @property {string[]} packages packages that it installs besides this one
 * @property {Record<string, Expectation>} checks
 * @property {Record<string, Expectation>} [everywhere] checks that run on each version of Node
 * @property {number} [leastNode] the lowest version of Node that its packages support
 */

const nest11 = ['@nestjs/common@11', '@nestjs/core@11', 'reflect-metadata', 'rxjs'];
const nest12 = ['@nestjs/common@12', '@nestjs/core@12', 'reflect-metadata', 'rxjs'];
const peersOfNest11 = ['@nestjs/axios@4', '@nestjs/config@4', '@nestjs/terminus@11'];
const platformsOfNest11 = ['@nestjs/platform-express@11', '@nestjs/platform-fastify@11'];
const peersOfNest12 = ['@nestjs/axios@12', '@nestjs/config@12', '@nestjs/terminus@12'];
const platformsOfNest12 = ['@nestjs/platform-express@12', '@nestjs/platform-fastify@12'];
// The SDK's own types need those of node-fetch.
const sdk = ['box-node-sdk@10', '@types/node-fetch@2'];
const otherPeers = ['axios', ...sdk, 'express@5', 'ioredis', 'kysely@0.28', 'redis', 'undici@7'];
const runtimes = ['bun@1', 'deno@2'];
const bundlers = ['esbuild@0.28', 'webpack@5', 'webpack-cli@7'];
const telemetry = '@opentelemetry/api@1';
const nodeTypes = '@types/node@20';

const nestTypes = [
  'consumer.ts',
  'consumer-connections.ts',
  'consumer-sdk.ts',
  'consumer-sql.ts',
  'consumer-watching.ts',
  'consumer-webhooks.ts',
  'consumer-workfront.ts',
];
const expressTypes = ['consumer-express.ts', 'consumer-express-sdk.ts'];

/** @type {Consumer[]} */
export const consumers = [
  {
    name: 'Nest 12 and all peers, ES modules',
    type: 'module',
    packages: [
      ...nest12,
      ...peersOfNest12,
      ...platformsOfNest12,
      ...otherPeers,
      telemetry,
      nodeTypes,
    ],
    checks: {
      'connects accounts on Express': expectAccountsConnected('import', 'express'),
      'connects accounts on Fastify': expectAccountsConnected('import', 'fastify'),
      'receives webhooks on Express': expectWebhooksReceived('import', 'express'),
      'receives webhooks on Fastify': expectWebhooksReceived('import', 'fastify'),
      'loads its peers on demand': expectLoadedOnDemand('import'),
      'fits the types, module node16 and nodenext, bundler': expectTypesFit(
        { node16: 'node16', nodenext: 'nodenext', bundler: 'esnext' },
        nestTypes,
      ),
    },
    everywhere: { 'calls Box': expectBoxCalled('consumer.mjs') },
  },
  {
    name: 'Nest 11 and all peers, CommonJS',
    type: 'commonjs',
    packages: [
      ...nest11,
      ...peersOfNest11,
      ...platformsOfNest11,
      ...otherPeers,
      telemetry,
      nodeTypes,
    ],
    checks: {
      'connects accounts on Express': expectAccountsConnected('require', 'express'),
      'connects accounts on Fastify': expectAccountsConnected('require', 'fastify'),
      'receives webhooks on Express': expectWebhooksReceived('require', 'express'),
      'receives webhooks on Fastify': expectWebhooksReceived('require', 'fastify'),
      'calls Box from an ES module': expectBoxCalled('consumer.mjs'),
      'calls Box by the SDK, by import': expectSdkCallsBox('import'),
      'calls Box by the SDK, by require': expectSdkCallsBox('require'),
      'loads its peers on demand, by import': expectLoadedOnDemand('import'),
      'loads its peers on demand, by require': expectLoadedOnDemand('require'),
      'has the same by import and by require': expectSameNamesEitherWay,
      'fits the types, module node16 and nodenext, bundler': expectTypesFit(
        { node16: 'node16', nodenext: 'nodenext', bundler: 'commonjs' },
        nestTypes,
      ),
    },
    everywhere: { 'calls Box': expectBoxCalled('consumer.cjs') },
  },
  {
    name: 'Nest 11 and nothing else',
    type: 'commonjs',
    packages: nest11,
    checks: {
      'is usable by import': expectUsableWithoutOptionalPeers('import'),
      'is usable by require': expectUsableWithoutOptionalPeers('require'),
      'calls Workfront by import': expectWorkfrontCalled('import'),
      'calls Workfront by require': expectWorkfrontCalled('require'),
    },
  },
  {
    name: 'Express 5 and no Nest, CommonJS',
    type: 'commonjs',
    packages: ['express@5', '@types/express@5', 'rxjs', 'axios', ...sdk, 'undici@7', nodeTypes],
    checks: {
      'calls Box by the SDK, by import': expectExpressCallsBoxBySdk('import'),
      'calls Box by the SDK, by require': expectExpressCallsBoxBySdk('require'),
      'fits the types, module node16, bundler': expectTypesFit(
        { node16: 'node16', bundler: 'commonjs' },
        expressTypes,
      ),
      'has the command line': expectCommandLineWorks,
    },
    everywhere: {
      'calls Box by import': expectExpressCallsBox('import'),
      'calls Box by require': expectExpressCallsBox('require'),
    },
  },
  {
    name: 'Express 4 and undici 6, ES modules',
    type: 'module',
    packages: ['express@4', '@types/express@4', 'rxjs', 'axios@1.16.1', 'undici@6', nodeTypes],
    checks: {
      'calls Box by import': expectExpressCallsBox('import'),
      'fits the types, module nodenext': expectTypesFit({ nodenext: 'nodenext' }, [
        'consumer-express.ts',
      ]),
    },
  },
  {
    name: 'Express 5 and undici 8',
    type: 'module',
    packages: ['express@5', 'rxjs', 'axios', 'undici@8'],
    checks: {},
    everywhere: { 'calls Box by import': expectExpressCallsBox('import') },
    leastNode: 22,
  },
  {
    name: 'Kysely 0.29, CommonJS',
    type: 'commonjs',
    packages: ['rxjs', 'kysely@0.29', 'libsql@0.5', nodeTypes],
    checks: {
      'fits the types, module nodenext': expectTypesFit({ nodenext: 'nodenext' }, [
        'consumer-sql.ts',
      ]),
    },
    everywhere: {
      'stores connections by import': expectConnectionsStored('import'),
      'stores connections by require': expectConnectionsStored('require'),
    },
    leastNode: 22,
  },
  {
    name: 'Kysely 0.28, CommonJS',
    type: 'commonjs',
    packages: ['rxjs', 'kysely@0.28', 'libsql@0.5'],
    checks: {},
    everywhere: {
      'stores connections by import': expectConnectionsStored('import'),
      'stores connections by require': expectConnectionsStored('require'),
    },
  },
  {
    name: 'Nest 12 in bundles, on Bun and Deno',
    type: 'module',
    packages: [
      ...nest12,
      ...peersOfNest12,
      '@nestjs/platform-express@12',
      'axios',
      'box-node-sdk@10',
      'kysely@0.28',
      'libsql@0.5',
      'undici@7',
      ...runtimes,
      ...bundlers,
    ],
    checks: {
      'calls Box on Bun': onBun(expectBoxCalled('consumer.mjs')),
      'calls Box by the SDK on Bun': onBun(expectSdkCallsBox('import')),
      'connects accounts on Bun': onBun(expectAccountsConnected('import', 'express')),
      'receives webhooks on Bun': onBun(expectWebhooksReceived('require', 'express')),
      'stores connections on Bun': onBun(expectConnectionsStored('import')),
      'calls Box on Deno': expectLambdaCallsBoxOnDeno,
      'calls Box in a bundle of esbuild, ES module': expectEsbuildLambdaCallsBox(
        'esm',
        './lambda.esbuild.mjs',
      ),
      'calls Box in a bundle of esbuild, CommonJS': expectEsbuildLambdaCallsBox(
        'cjs',
        './lambda.esbuild.cjs',
      ),
      'calls Box in a bundle of webpack': expectWebpackLambdaCallsBox,
    },
  },
  {
    name: 'A script and nothing else, ES modules',
    type: 'module',
    packages: ['rxjs'],
    checks: {},
    everywhere: { 'calls Box': expectScriptCallsBox },
  },
];

/**
 * @param {Consumer} consumer
 * @param {string} tarball
 * @param {string} folder the parent of the app's folder
 * @param {Promise<import('./node-versions.mjs').Nodes>} installedNodes
 */
export async function checkConsumer(consumer, tarball, folder, installedNodes) {
  const { name, type, packages, checks, everywhere = {}, leastNode = 0 } = consumer;
  const isInstalled = await step(`${name}: installs`, async () => {
    await mkdir(folder);
    await cp(join(root, 'test/package'), folder, { recursive: true, filter: isOfConsumers });
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type }));
    await install([tarball, ...packages], folder);
  });
  if (!isInstalled) return;
  for (const [title, check] of Object.entries(checks)) {
    await step(`${name}: ${title}`, () => check(folder));
  }
  for (const [version, node] of await installedNodes) {
    if (version < leastNode) continue;
    for (const [title, check] of Object.entries(everywhere)) {
      await step(`${name}: ${title}, Node ${version}`, () => check(folder, node));
    }
  }
}

/** @param {string} source */
function isOfConsumers(source) {
  const name = basename(source);
  return name === 'package' || /\.[cm]js$/.test(name) || /^consumer.*\.ts$/.test(name);
}

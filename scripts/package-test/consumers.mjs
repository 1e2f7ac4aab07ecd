import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root, run } from '../command.mjs';
import {
  expectBoxCalled,
  expectExpressCallsBox,
  expectJestPasses,
  expectLoadedOnDemand,
  expectSdkCallsBox,
  expectTypesFit,
  expectUsableWithoutOptionalPeers,
} from './expectations.mjs';
import { step } from './step.mjs';

/**
 * @typedef {object} Consumer an app in a folder of its own
 * @property {string} name
 * @property {'module' | 'commonjs'} type
 * @property {string[]} packages what it installs besides ours
 * @property {Record<string, (folder: string) => Promise<string | void>>} checks
 */

const nest11 = ['@nestjs/common@11', '@nestjs/core@11', 'reflect-metadata', 'rxjs'];
const nest11AndPeers = [...nest11, '@nestjs/axios@4', '@nestjs/config@4', 'axios'];
const nest12 = ['@nestjs/common@12', '@nestjs/core@12', 'reflect-metadata', 'rxjs'];
const nest12AndPeers = [...nest12, '@nestjs/axios@12', '@nestjs/config@12', 'axios'];

const INSTALLED_NODE = `node_modules/node-${process.platform}-${process.arch}/bin/node`;

/**
 * Node as a package: each version of it is one.
 *
 * @param {number} version
 */
function nodePackage(version) {
  return `node-${process.platform}-${process.arch}@${version}`;
}

/** @type {Consumer[]} */
const consumers = [
  {
    name: 'Nest 12, ES modules',
    type: 'module',
    packages: [...nest12AndPeers, '@types/node@20'],
    checks: {
      'calls Box': expectBoxCalled('consumer.mjs'),
      'loads its peers on demand': expectLoadedOnDemand('import'),
      'fits the types, module node16': expectTypesFit('node16', 'node16'),
      'fits the types, module nodenext': expectTypesFit('nodenext', 'nodenext'),
      'fits the types, bundler': expectTypesFit('esnext', 'bundler'),
    },
  },
  {
    name: 'Nest 11, CommonJS',
    type: 'commonjs',
    packages: [...nest11AndPeers, '@types/node@20'],
    checks: {
      'calls Box': expectBoxCalled('consumer.cjs'),
      'calls Box from an ES module': expectBoxCalled('consumer.mjs'),
      'loads its peers on demand': expectLoadedOnDemand('require'),
      'fits the types, module node16': expectTypesFit('node16', 'node16'),
      'fits the types, module nodenext': expectTypesFit('nodenext', 'nodenext'),
      'fits the types, bundler': expectTypesFit('commonjs', 'bundler'),
    },
  },
  {
    name: 'Nest 11 and nothing else',
    type: 'commonjs',
    packages: nest11,
    checks: {
      'is usable by import': expectUsableWithoutOptionalPeers('import'),
      'is usable by require': expectUsableWithoutOptionalPeers('require'),
    },
  },
  {
    name: 'Express 5 and no Nest, CommonJS',
    type: 'commonjs',
    packages: ['express@5', '@types/express@5', 'rxjs', 'axios', 'undici@7', '@types/node@20'],
    checks: {
      'calls Box by import': expectExpressCallsBox('import'),
      'calls Box by require': expectExpressCallsBox('require'),
      'fits the types, module node16': expectTypesFit('node16', 'node16', 'consumer-express.ts'),
      'fits the types, bundler': expectTypesFit('commonjs', 'bundler', 'consumer-express.ts'),
    },
  },
  {
    name: 'Express 4 and undici 6, ES modules',
    type: 'module',
    packages: ['express@4', '@types/express@4', 'rxjs', 'axios', 'undici@6', '@types/node@20'],
    checks: {
      'calls Box by import': expectExpressCallsBox('import'),
      'fits the types, module nodenext': expectTypesFit(
        'nodenext',
        'nodenext',
        'consumer-express.ts',
      ),
    },
  },
  {
    name: 'Express 5 and undici 8, Node 22',
    type: 'module',
    packages: ['express@5', 'rxjs', 'axios', 'undici@8', nodePackage(22)],
    checks: { 'calls Box by import': expectExpressCallsBox('import', INSTALLED_NODE) },
  },
  {
    name: 'The official SDK, Nest 11, CommonJS',
    type: 'commonjs',
    // The SDK's own types need those of node-fetch.
    packages: [...nest11, 'box-node-sdk@10', '@types/node-fetch@2', '@types/node@20'],
    checks: {
      'calls Box by import': expectSdkCallsBox('import'),
      'calls Box by require': expectSdkCallsBox('require'),
      'fits the types, module node16': expectTypesFit('node16', 'node16', 'consumer-sdk.ts'),
    },
  },
  {
    name: 'Nest 11, Jest 30',
    type: 'commonjs',
    packages: [
      ...nest11AndPeers,
      '@nestjs/testing@11',
      '@types/node@20',
      'jest@30',
      'ts-jest@29',
      'typescript@6',
    ],
    checks: { 'passes its tests': expectJestPasses },
  },
];

/**
 * @param {string} tarball
 * @param {string} folder where they may have theirs
 */
export async function checkConsumers(tarball, folder) {
  await Promise.all(
    consumers.map((consumer, index) =>
      checkConsumer(consumer, tarball, join(folder, `app-${index}`)),
    ),
  );
}

/**
 * @param {Consumer} consumer
 * @param {string} tarball
 * @param {string} folder
 */
async function checkConsumer({ name, type, packages, checks }, tarball, folder) {
  const installed = await step(`${name}: installs`, async () => {
    await mkdir(folder);
    await cp(join(root, 'test/package'), folder, { recursive: true });
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type }));
    await install([tarball, ...packages], folder);
  });
  if (!installed) return;
  for (const [title, check] of Object.entries(checks)) {
    await step(`${name}: ${title}`, () => check(folder));
  }
}

/**
 * @param {string[]} packages
 * @param {string} folder
 */
async function install(packages, folder) {
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];
  await run('npm', ['install', ...flags, ...packages], { cwd: folder });
}

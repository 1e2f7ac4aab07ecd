import { readFile } from 'node:fs/promises';

/**
 * @typedef {object} EntryPoint
 * @property {{ types: string, default: string }} import
 * @property {{ types: string, default: string }} require
 *
 * @typedef {object} Manifest
 * @property {string} name
 * @property {string[]} files
 * @property {Record<string, EntryPoint | string>} exports
 * @property {Record<string, string>} dependencies
 * @property {Record<string, string>} peerDependencies
 */

/** @type {Manifest} */
// oxlint-disable-next-line typescript/no-unsafe-assignment -- package.json, which npm has read before us
export const manifest = JSON.parse(
  await readFile(new URL('../package.json', import.meta.url), 'utf8'),
);

/** Those that are code; `./package.json` is none. */
export const entryPoints = Object.values(manifest.exports).filter(
  (entryPoint) => typeof entryPoint !== 'string',
);

/**
 * What stands inside the build instead of being a dependency: ES modules only, which Jest cannot load, of many small files,
 * which take their time to import.
 */
export const bundledPackages = ['jose'];

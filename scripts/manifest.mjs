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
 * @property {{ node: string }} engines
 * @property {Record<string, string>} scripts
 * @property {Record<string, string>} dependencies
 * @property {Record<string, string>} peerDependencies
 */

/** @type {Manifest} */
// oxlint-disable-next-line typescript/no-unsafe-assignment -- package.json, which npm has already parsed
export const manifest = JSON.parse(
  await readFile(new URL('../package.json', import.meta.url), 'utf8'),
);

/** The entry points with code, without `./package.json`. */
export const entryPoints = Object.values(manifest.exports).filter(
  (entryPoint) => typeof entryPoint !== 'string',
);

/**
 * Packages that are bundled. `jose` is an ES module, which Jest cannot load. Of `valibot` and `lru-cache`, which stay
 * dependencies for their types, the bundle has the functions in use: loading all of them takes longer than the rest.
 */
export const bundledPackages = ['jose', 'lru-cache', 'valibot'];

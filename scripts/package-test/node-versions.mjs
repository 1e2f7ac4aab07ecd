import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { install } from './installation.mjs';

const THIS_NODE = Number.parseInt(process.versions.node, 10);

/** The major versions that the package supports. */
export const NODE_VERSIONS = [20, 22, 24, 26];

/** @typedef {ReadonlyMap<number, string>} Nodes the executable of each version */

/**
 * Installs Node from npm, where it is a package.
 *
 * @param {string} folder where to install it
 * @returns {Promise<Nodes>}
 */
export async function installNodes(folder) {
  const others = NODE_VERSIONS.filter((version) => version !== THIS_NODE);
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), '{ "private": true }');
  await install(
    others.map((version) => `node${version}@npm:${nodePackage()}@${version}`),
    folder,
  );
  const file = process.platform === 'win32' ? 'node.exe' : 'node';
  return new Map(
    NODE_VERSIONS.map((version) => [
      version,
      version === THIS_NODE
        ? process.execPath
        : join(folder, 'node_modules', `node${version}`, 'bin', file),
    ]),
  );
}

function nodePackage() {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  return `node-${platform}-${process.arch}`;
}

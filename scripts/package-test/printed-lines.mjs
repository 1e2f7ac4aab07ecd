import assert from 'node:assert/strict';
import { run } from '../command.mjs';

/**
 * What Node printed, which must end by itself and leave stderr empty. It runs without our environment.
 *
 * @param {string[]} args
 * @param {string} folder
 * @param {string} [node] which one, if it is not ours
 */
export async function printedLines(args, folder, node = process.execPath) {
  const env = { PATH: process.env.PATH };
  const { stdout, stderr } = await run(node, args, { cwd: folder, env });
  assert.equal(stderr, '', `node ${args.join(' ')} wrote to stderr:\n${stderr}`);
  return stdout.trimEnd().split('\n');
}

import assert from 'node:assert/strict';
import { run } from '../command.mjs';

/**
 * Runs Node without our environment and returns its output. Node must exit by itself and print nothing to stderr.
 *
 * @param {string[]} args
 * @param {string} folder
 * @param {string} [node] its executable; by default the current one
 */
export async function printedLines(args, folder, node = process.execPath) {
  const env = { PATH: process.env.PATH };
  const { stdout, stderr } = await run(node, args, { cwd: folder, env });
  assert.equal(stderr, '', `node ${args.join(' ')} wrote to stderr:\n${stderr}`);
  return stdout.trimEnd().split('\n');
}

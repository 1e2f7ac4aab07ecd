// Makes the calls of one side, in a process that alternating.mjs starts.
import process from 'node:process';
import { openClient } from '../peers/clients.mjs';
import { callUntil } from './throughput.mjs';

const CONCURRENCY = 16;

process.once('message', (/** @type {import('./alternating.mjs').Opening} */ opening) => {
  void openClient(opening).then(({ call, run }) => {
    process.on('message', (/** @type {{ ms: number }} */ { ms }) => {
      void run(() => measured(call, ms)).then((window) => process.send?.(window));
    });
    process.send?.('ready');
  });
});
process.once('disconnect', () => process.exit());

/**
 * @param {() => Promise<unknown>} call
 * @param {number} ms
 */
async function measured(call, ms) {
  const before = process.cpuUsage();
  const begun = performance.now();
  const calls = await callUntil(call, CONCURRENCY, begun + ms);
  const { user, system } = process.cpuUsage(before);
  return { calls, ms: performance.now() - begun, cpuUs: user + system };
}

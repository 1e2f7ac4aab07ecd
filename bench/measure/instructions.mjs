import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/**
 * Counts the instructions of a process while `work` runs, with `perf stat`. Undefined if `perf` is missing, or if the machine
 * or its settings do not let it count, as on most virtual machines.
 *
 * @template T
 * @param {number} pid
 * @param {() => Promise<T>} work
 * @param {string} [event] another event to count, by its name in `perf list`
 */
export async function countInstructions(pid, work, event = 'instructions:u') {
  const args = ['stat', '-x', ',', '-e', event];
  const trial = spawnSync('perf', [...args, 'true'], { encoding: 'utf8' });
  if (Number.isNaN(Number.parseFloat(trial.stderr ?? ''))) return undefined;
  // It is attached before it counts, and confirms each order.
  const perf = spawn('perf', [...args, '-p', String(pid), '-D', '-1', '--control', 'fd:3,4'], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
  });
  const [, , printed, orders, confirmations] = /** @type {import('node:net').Socket[]} */ (
    /** @type {unknown} */ (perf.stdio)
  );
  let output = '';
  printed?.on('data', (chunk) => (output += String(chunk)));
  const order = async (/** @type {string} */ name) => {
    orders?.write(`${name}\n`);
    if (confirmations !== undefined) await once(confirmations, 'data');
  };
  await order('enable');
  const result = await work();
  await order('disable');
  perf.kill('SIGINT');
  await once(perf, 'close');
  return { instructions: Number.parseFloat(output.replace(/^Events.*\n/gm, '')), result };
}

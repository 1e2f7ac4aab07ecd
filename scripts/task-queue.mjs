import { availableParallelism } from 'node:os';

/**
 * Starts tasks in order, a few at a time: more would compete for the processor and exceed their time limits.
 *
 * @param {(() => Promise<void>)[]} tasks
 */
export async function runTasks(tasks) {
  const waiting = [...tasks];
  const work = async () => {
    for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) await task();
  };
  await Promise.all(Array.from({ length: availableParallelism() + 1 }, work));
}

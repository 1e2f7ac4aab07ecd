import { availableParallelism } from 'node:os';

/**
 * Runs tasks in their order, a few at a time: more would only wait for each other, and each step has a time limit.
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

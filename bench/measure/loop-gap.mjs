import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Returns the longest block of the event loop while `work` ran, in milliseconds.
 *
 * @param {() => Promise<unknown>} work
 */
export async function longestLoopGap(work) {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  await delay(20);
  histogram.reset();
  // The first tick is not measured, as the monitor measures from one tick to the next.
  await delay(20);
  await work();
  await delay(5);
  histogram.disable();
  return histogram.max / 1e6;
}

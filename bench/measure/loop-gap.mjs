import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * The longest time, in milliseconds, that the event loop did not turn while `work` ran.
 *
 * @param {() => Promise<unknown>} work
 */
export async function longestLoopGap(work) {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  await delay(20);
  histogram.reset();
  // What comes first after that it does not see: it measures from one turn to the next.
  await delay(20);
  await work();
  await delay(5);
  histogram.disable();
  return histogram.max / 1e6;
}

import { measure } from 'mitata';
import { medianOf } from './spread.mjs';

// Short, so that other processes interrupt only a few batches.
const TIMED_BATCH = 256;
const COUNTED_BATCH = 4096;
const WARM_UP_MS = 1_000;
// Load from other processes only ever adds time, and often lasts longer than one window.
const WINDOWS = 8;
const WINDOW_NS = 100e6;

/**
 * Measures nanoseconds and allocated bytes of one call with mitata: the median of many batches, in the fastest of some
 * windows. Awaits a promise. Requires `--expose-gc`.
 *
 * @param {() => unknown} call
 * @param {{ isQuick: boolean }} stage
 */
export async function perCall(call, { isQuick }) {
  if (!isQuick) await warmUp(call);
  // Measured separately from time, as reading heap statistics is slow.
  let ns = Infinity;
  for (let window = 0; window < (isQuick ? 1 : WINDOWS); window++) {
    const { p50 } = await measure(call, {
      batch_samples: isQuick ? 64 : TIMED_BATCH,
      min_cpu_time: isQuick ? 5e6 : WINDOW_NS,
    });
    ns = Math.min(ns, p50);
  }
  /** @type {number[]} */
  const readings = [];
  await measure(call, {
    batch_samples: COUNTED_BATCH,
    min_samples: isQuick ? 1 : 12,
    min_cpu_time: isQuick ? 1 : 100e6,
    heap() {
      const { heapUsed } = process.memoryUsage();
      readings.push(heapUsed);
      return heapUsed;
    },
  });
  return { ns, bytes: medianOf(growths(readings)) / COUNTED_BATCH };
}

/**
 * Warms up a call until it is compiled: long calls run only a few times in a measurement.
 *
 * @param {() => unknown} call
 */
async function warmUp(call) {
  const until = performance.now() + WARM_UP_MS;
  while (performance.now() < until) await call();
}

/**
 * Returns the difference of each batch, without batches with a garbage collection.
 *
 * @param {readonly number[]} readings
 */
function growths(readings) {
  return readings.flatMap((after, index) => {
    const before = readings[index - 1];
    return index % 2 === 1 && before !== undefined && after >= before ? [after - before] : [];
  });
}

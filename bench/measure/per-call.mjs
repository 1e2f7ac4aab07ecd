import { measure } from 'mitata';
import { medianOf } from './spread.mjs';

// Short, so that few of them are interrupted by what else runs on the machine.
const TIMED_BATCH = 256;
const COUNTED_BATCH = 4096;
const WARM_UP_MS = 1_000;
// What else runs on the machine comes and goes, often for longer than one of them lasts, and only ever adds.
const WINDOWS = 8;
const WINDOW_NS = 100e6;

/**
 * Nanoseconds and allocated bytes of one call, by mitata: the median of many batches, in the quietest of some windows. A
 * promise is awaited. Needs `--expose-gc`.
 *
 * @param {() => unknown} call
 * @param {{ isQuick: boolean }} stage
 */
export async function perCall(call, { isQuick }) {
  if (!isQuick) await warmUp(call);
  // Counted apart from the time: asking for the heap is slow.
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
 * Until the compiler is done with it: some calls are long, and so few in a measurement.
 *
 * @param {() => unknown} call
 */
async function warmUp(call) {
  const until = performance.now() + WARM_UP_MS;
  while (performance.now() < until) await call();
}

/**
 * From before to after each batch; without those in which the garbage was collected.
 *
 * @param {readonly number[]} readings
 */
function growths(readings) {
  return readings.flatMap((after, index) => {
    const before = readings[index - 1];
    return index % 2 === 1 && before !== undefined && after >= before ? [after - before] : [];
  });
}

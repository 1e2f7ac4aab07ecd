/**
 * Measures calls per second over `seconds` with constant `concurrency`, and the processor time of each call in microseconds,
 * which hardly depends on other load. The warm-up takes as long as the measurement: our code takes longer to compile than a
 * bare client.
 *
 * @param {() => Promise<unknown>} call
 * @param {{ concurrency: number, seconds: number }} load
 */
export async function throughputOf(call, { concurrency, seconds }) {
  await callUntil(call, concurrency, performance.now() + seconds * 1000);
  const before = process.cpuUsage();
  const begun = performance.now();
  const calls = await callUntil(call, concurrency, begun + seconds * 1000);
  const { user, system } = process.cpuUsage(before);
  return {
    rate: (calls / (performance.now() - begun)) * 1000,
    processor: (user + system) / calls,
  };
}

/**
 * Makes calls until `end`, with constant `concurrency`. Returns their number.
 *
 * @param {() => Promise<unknown>} call
 * @param {number} concurrency
 * @param {number} end by `performance.now()`
 */
export async function callUntil(call, concurrency, end) {
  let calls = 0;
  const caller = async () => {
    while (performance.now() < end) {
      await call();
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  return calls;
}

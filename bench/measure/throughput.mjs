/**
 * Calls a second, with `concurrency` of them under way at any time, over `seconds`; and the microseconds of processor time
 * that this process takes for each, which hardly depend on what else the machine does. Warmed up for as long as it is
 * measured: until then the compiler is at work, and has more of ours to do than of a bare client.
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
 * @param {() => Promise<unknown>} call
 * @param {number} concurrency
 * @param {number} end
 */
async function callUntil(call, concurrency, end) {
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

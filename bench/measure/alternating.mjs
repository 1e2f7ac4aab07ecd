import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { countInstructions } from './instructions.mjs';
import { medianOf } from './spread.mjs';

/** @typedef {'bare' | 'ours'} Side */
/** @typedef {{ client: string, side: Side, url: string, config: import('../row.js').BoxConfig }} Opening */
/** @typedef {{ calls: number, ms: number, cpuUs: number }} Window The calls of one window, and the CPU time of their process. */

const entry = fileURLToPath(new URL('side.process.mjs', import.meta.url));

const WARM_UP_MS = 3_000;
const WINDOW_MS = 200;
const PAIRS = 30;

/**
 * Measures what a client costs over the bare client. Each of the two has a process of its own, as it has in an app: in one
 * process, the code that both share would be compiled for both, and an AsyncLocalStorage of one would slow down the other.
 * They take turns in short windows, first one, then the other first. Each ratio is that of two adjacent windows, so that a
 * change of the machine's speed affects few of them.
 *
 * @param {string} client
 * @param {string} url
 * @param {import('../row.js').Stage} stage
 */
export async function measureOverBare(client, url, { isQuick, config }) {
  const [bare, ours] = await Promise.all([
    openSide({ client, side: 'bare', url, config }),
    openSide({ client, side: 'ours', url, config }),
  ]);
  const windowMs = isQuick ? 5 : WINDOW_MS;
  for (const side of [bare, ours]) await side.callFor(isQuick ? 5 : WARM_UP_MS);
  /** @type {{ bare: Window, ours: Window }[]} */
  const pairs = [];
  for (let pair = 0; pair < (isQuick ? 2 : PAIRS); pair++) {
    if (pair % 2 === 0) {
      pairs.push({ bare: await bare.callFor(windowMs), ours: await ours.callFor(windowMs) });
    } else {
      const first = await ours.callFor(windowMs);
      pairs.push({ bare: await bare.callFor(windowMs), ours: first });
    }
  }
  const instructions = isQuick ? undefined : await instructionRatio(bare, ours);
  for (const side of [bare, ours]) side.close();
  return {
    bare: medianOf(pairs.map((pair) => cpuPerCall(pair.bare))),
    ours: medianOf(pairs.map((pair) => cpuPerCall(pair.ours))),
    cpu: medianOf(pairs.map((pair) => cpuPerCall(pair.ours) / cpuPerCall(pair.bare))),
    rate: medianOf(pairs.map((pair) => callsPerMs(pair.ours) / callsPerMs(pair.bare))),
    ...(instructions !== undefined && { instructions }),
  };
}

/** @param {Opening} opening */
async function openSide(opening) {
  const child = fork(entry, { execArgv: [] });
  const exit = once(child, 'exit').then(([code]) => {
    throw new Error(`${opening.client}, ${opening.side}: the process ended with code ${code}`);
  });
  exit.catch(() => undefined);
  const request = async (/** @type {unknown} */ message) => {
    child.send(/** @type {object} */ (message));
    const [reply] = await Promise.race([once(child, 'message'), exit]);
    return reply;
  };
  await request(opening);
  return {
    pid: child.pid ?? 0,
    /** @type {(ms: number) => Promise<Window>} */
    callFor: (ms) => request({ ms }),
    close: () => child.disconnect(),
  };
}

/**
 * Undefined if the machine does not count instructions.
 *
 * @param {Awaited<ReturnType<typeof openSide>>} bare
 * @param {Awaited<ReturnType<typeof openSide>>} ours
 */
async function instructionRatio(bare, ours) {
  const perCall = [];
  for (const side of [bare, ours]) {
    const counted = await countInstructions(side.pid, () => side.callFor(5 * WINDOW_MS));
    if (counted === undefined) return undefined;
    perCall.push(counted.instructions / counted.result.calls);
  }
  const [ofBare = NaN, ofOurs = NaN] = perCall;
  return ofOurs / ofBare;
}

/** @param {Window} window */
function cpuPerCall({ cpuUs, calls }) {
  return cpuUs / calls;
}

/** @param {Window} window */
function callsPerMs({ calls, ms }) {
  return calls / ms;
}

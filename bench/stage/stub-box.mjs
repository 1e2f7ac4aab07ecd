import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const entry = fileURLToPath(new URL('stub-box.server.mjs', import.meta.url));

/** @typedef {{ tokenRequests: number, refusedCalls: number }} Counts */

/**
 * A stub of Box in a process of its own. It believes every assertion, as judging them would take it longer than the
 * callers; `BoxEmulator` of the package, which does judge them, is for tests. Ends with this process.
 *
 * @param {{ tokenDelayMs?: number }} [options] how long the token endpoint takes to answer
 */
export async function startStubBox({ tokenDelayMs = 0 } = {}) {
  const child = fork(entry, [String(tokenDelayMs)], { execArgv: [] });
  const [port] = /** @type {[number]} */ (await once(child, 'message'));
  const url = `http://127.0.0.1:${port}`;
  const control = async (/** @type {string} */ path) => {
    const response = await fetch(`${url}/control/${path}`);
    return /** @type {Counts} */ (await response.json());
  };
  return {
    url,
    /** What there was since it was last asked. */
    takeCounts: () => control('counts'),
    /** Every token that was given is refused from now on. */
    revokeAll: () => control('revoke'),
    /** @param {number} ms how far Box's clock is ahead of the real one */
    setClockAhead: (ms) => control(`clock?ahead=${ms}`),
  };
}

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const entry = fileURLToPath(new URL('stub-box.server.mjs', import.meta.url));

/** @typedef {{ tokenRequests: number, refusedCalls: number }} Counts */

/**
 * Starts a stub of Box in its own process. It accepts every assertion, as verifying would take longer than the callers do;
 * `BoxEmulator` of the package, which verifies, is for tests. It ends with this process.
 *
 * @param {{ tokenDelayMs?: number }} [options] the delay of the token endpoint
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
    /** The counts since the last call. */
    takeCounts: () => control('counts'),
    /** Revokes every token issued so far. */
    revokeAll: () => control('revoke'),
    /** @param {number} ms how far Box's clock is ahead of the real one */
    setClockAhead: (ms) => control(`clock?ahead=${ms}`),
  };
}

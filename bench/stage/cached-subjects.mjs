import { openBoxAuth } from '../peers/nestjs-box-auth.mjs';

const AT_ONCE = 200;

/**
 * Our provider with the cached tokens of `count` users. It uses client credentials, which need no signature, and a `fetch`
 * that responds at once.
 *
 * @param {import('../row.js').Stage} stage
 * @param {number} count
 */
export async function openWithCachedSubjects(stage, count) {
  let minted = 0;
  const provider = await openBoxAuth(stage, 'https://api.box.com', {
    credentials: { clientId: 'bench', clientSecret: 'bench', enterpriseId: '1' },
    maxSubjects: Math.max(count, 1),
    fetch: async () => Response.json({ access_token: tokenValue((minted += 1)), expires_in: 3600 }),
  });
  const mintAll = async () => {
    for (let first = 0; first < count; first += AT_ONCE) {
      const users = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, index) =>
        provider.getToken({ subject: subjectOf(first + index) }),
      );
      await Promise.all(users);
    }
  };
  return { provider, mintAll };
}

/** @param {number} index */
export function subjectOf(index) {
  return /** @type {const} */ ({ type: 'user', id: String(10_000_000_000 + index) });
}

/**
 * Returns an id as long as Box's.
 *
 * @param {number} number
 */
export function tokenValue(number) {
  return String(number).padStart(32, 'x');
}

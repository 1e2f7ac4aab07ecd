import * as v from 'valibot';
import { isTokenValue } from '../credentials/field-checks.js';

const finite = v.pipe(v.number(), v.finite());

const storedToken = v.object({
  value: v.custom<string>(isTokenValue),
  lifetimeMs: v.nullish(finite),
  expiresAt: v.nullish(finite),
  scopes: v.nullish(v.array(v.string())),
});

const claim = v.variant('state', [
  v.object({ state: v.literal('token'), token: storedToken, fence: finite, ageMs: finite }),
  v.object({ state: v.literal('claimed'), fence: finite }),
  v.object({ state: v.literal('leased') }),
  v.object({ state: v.literal('paused'), forMs: finite, reason: v.string() }),
]);

/** A `Claim` that was checked. What is null in it came from a store that cannot keep undefined. */
export type CheckedClaim = v.InferOutput<typeof claim>;

/**
 * A copy of what a store returned from `claim`: applications bring stores of their own.
 *
 * @throws Error that names the wrong field, without its value
 */
export function checkedClaim(returned: unknown, newerThan: number): CheckedClaim {
  const result = v.safeParse(claim, returned);
  if (!result.success) {
    const field = v.getDotPath(result.issues[0]);
    const wrong = field === null ? 'not an object' : `"${field}" is missing or invalid`;
    throw new Error(`The token store returned an invalid claim: ${wrong}.`);
  }
  const checked = result.output;
  if (checked.state === 'token' && checked.fence <= newerThan) {
    throw new Error('The token store returned a token that is not newer than requested.');
  }
  return checked;
}

import { inspect } from 'node:util';
import fc from 'fast-check';
import { expect } from 'vitest';
import { BoxAuthError } from 'nestjs-box-auth';
import { BoxAuth } from '../../lib/box/box-auth.js';
import type { BoxAuthOptions } from '../../lib/box/box-auth.options.js';
import type { AuthEvent } from '../../lib/core/events/auth-events.js';
import { FakeRuntime } from './fake-runtime.js';
import { PLANTED_SECRET } from './hostile-values.js';
import { ScriptedEndpoint } from './scripted-endpoint.js';

/** Of an app with client credentials. */
export const credentials = {
  clientId: 'client',
  clientSecret: 'a secret of it',
  enterpriseId: '1',
};
const LONGER_THAN_ANY_DEADLINE_MS = 90_000;

/** Holds for each of the values that `arbitrary` makes. */
export const holdsFor = <T>(arbitrary: fc.Arbitrary<T>, holds: (value: T) => Promise<void>) =>
  fc.assert(fc.asyncProperty(arbitrary, holds), { numRuns: 80 });

export interface Outcome {
  readonly token?: string | undefined;
  readonly error?: BoxAuthError | undefined;
  readonly events: readonly AuthEvent[];
}

/** What becomes of `getToken` in an app with these options: a token, or an error of this package. */
export async function outcomeOf(
  options: (runtime: FakeRuntime, endpoint: ScriptedEndpoint) => Partial<BoxAuthOptions>,
): Promise<Outcome> {
  const runtime = new FakeRuntime();
  const endpoint = new ScriptedEndpoint(runtime);
  const events: AuthEvent[] = [];
  try {
    const box = new BoxAuth({
      credentials,
      fetch: endpoint.fetch,
      runtime,
      ...options(runtime, endpoint),
    });
    box.events.subscribe((event) => events.push(event));
    const asked = box.provider.getToken().then(
      (token) => ({ token: token.value }),
      (error: unknown) => ({ error }),
    );
    await runtime.advance(LONGER_THAN_ANY_DEADLINE_MS);
    box.close();
    return judged({ ...(await asked), events });
  } catch (error) {
    return judged({ error, events });
  }
}

/** Nothing secret is shown, and an error is one of this package. */
function judged({
  token,
  error,
  events,
}: {
  token?: string;
  error?: unknown;
  events: readonly AuthEvent[];
}): Outcome {
  expect(inspect([error, events], { depth: 8, showHidden: true })).not.toContain(PLANTED_SECRET);
  expect(JSON.stringify([error, events])).not.toContain(PLANTED_SECRET);
  if (error === undefined) return { token, events };
  if (!(error instanceof BoxAuthError)) throw new Error(`a raw error: ${inspect(error)}`);
  expect(error.code).not.toBe('closed');
  return { error, events };
}

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

export const credentials = {
  clientId: 'client',
  clientSecret: 'a client secret',
  enterpriseId: '1',
};
const LONGER_THAN_ANY_DEADLINE_MS = 90_000;

/** Checks a property for values of `arbitrary`. */
export const holdsFor = <T>(arbitrary: fc.Arbitrary<T>, holds: (value: T) => Promise<void>) =>
  fc.assert(fc.asyncProperty(arbitrary, holds), { numRuns: 80 });

export interface Outcome {
  readonly token?: string | undefined;
  readonly error?: BoxAuthError | undefined;
  readonly events: readonly AuthEvent[];
}

/** Calls `getToken` of an app with these options. Fails on an untyped error and on a visible secret. */
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
    const request = box.provider.getToken().then(
      (token) => ({ token: token.value }),
      (error: unknown) => ({ error }),
    );
    await runtime.advance(LONGER_THAN_ANY_DEADLINE_MS);
    box.close();
    return checked({ ...(await request), events });
  } catch (error) {
    return checked({ error, events });
  }
}

/** Fails if a secret is visible or the error is not a BoxAuthError. */
function checked({
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
  if (!(error instanceof BoxAuthError))
    throw new Error(`Expected a BoxAuthError, received: ${inspect(error)}`);
  expect(error.code).not.toBe('closed');
  return { error, events };
}

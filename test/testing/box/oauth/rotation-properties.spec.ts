import fc from 'fast-check';
import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { get, postForm } from '../box-client.js';
import { startEmulator } from '../emulator-fixture.js';
import { connect, oauthClientOf, type Pair, pairIn, postRefresh } from './oauth-requests.js';

let emulator: BoxEmulator;
beforeAll(async () => {
  ({ emulator } = await startEmulator());
});
afterAll(() => emulator.stop());

/** `age` selects a pair: 0 the newest one, 1 the one before. */
type Step = { readonly kind: 'call' | 'refresh' | 'lose' | 'revoke'; readonly age: number };

const steps = fc.array(
  fc.record<Step>({
    kind: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom('call', 'refresh', 'lose') },
      { weight: 1, arbitrary: fc.constant('revoke') },
    ),
    age: fc.nat(3),
  }),
  { maxLength: 16 },
);

/** The rules of Box for one connection, in terms of the number of pairs and the newest pair that was used. */
class ConnectionModel {
  newest = 0;
  used = 0;
  isRevoked = false;

  constructor(private readonly hasGrace: boolean) {}

  isAlive(pair: number): boolean {
    const isPrevious = pair === this.newest - 1 && this.used < this.newest;
    return !this.isRevoked && (pair === this.newest || isPrevious);
  }

  /** Returns the number of the pair in the response; undefined if the refresh token is rejected. */
  refresh(pair: number): number | undefined {
    if (!this.isAlive(pair)) return undefined;
    if (pair !== this.newest) return this.hasGrace ? this.newest : undefined;
    this.used = this.newest;
    this.newest += 1;
    return this.newest;
  }

  call(pair: number): boolean {
    const isAlive = this.isAlive(pair);
    if (isAlive) this.used = Math.max(this.used, pair);
    return isAlive;
  }
}

interface Connection {
  readonly pairs: Pair[];
  readonly model: ConnectionModel;
}

async function take({ kind, age }: Step, { pairs, model }: Connection): Promise<void> {
  const at = Math.max(pairs.length - 1 - age, 0);
  const pair = pairs[at];
  if (!pair) return;
  if (kind === 'call') {
    const { status } = await get(emulator, '/2.0/users/me', pair.access);
    expect(status).toBe(model.call(at) ? 200 : 401);
  } else if (kind === 'revoke') {
    model.isRevoked ||= model.isAlive(at);
    const fields = { ...oauthClientOf(emulator), token: pair.refresh };
    await postForm(emulator, '/oauth2/revoke', fields);
  } else {
    if (kind === 'lose') await loseResponse(pair, () => model.refresh(at));
    await refresh(pair, model.refresh(at), pairs);
  }
}

async function loseResponse({ refresh: token }: Pair, note: () => void): Promise<void> {
  emulator.failNext('token', { kind: 'status', status: 502, processed: true });
  expect(await postRefresh(emulator, token)).toMatchObject({ status: 502 });
  note();
}

/** Expects the pair with this number, or a refusal. */
async function refresh(
  { refresh: token }: Pair,
  expected: number | undefined,
  pairs: Pair[],
): Promise<void> {
  const response = await postRefresh(emulator, token);
  expect(response.status).toBe(expected === undefined ? 400 : 200);
  if (expected === undefined) {
    expect(response.json).toMatchObject({ error: 'invalid_grant' });
    return;
  }
  const pair = pairIn(response);
  expect(pairs[expected] ?? pair).toEqual(pair);
  pairs[expected] = pair;
}

describe('Any sequence of calls, refreshes, lost responses and revocations', () => {
  test.each([true, false])('follows the rules of rotation with the grace %s', async (hasGrace) => {
    emulator.refreshGrace = hasGrace;
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const pairs = [await connect(emulator)];
        const model = new ConnectionModel(hasGrace);
        for (const step of taken) await take(step, { pairs, model });
      }),
      { numRuns: 25 },
    );
  });
});

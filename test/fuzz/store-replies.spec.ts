import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoxAuth } from '../../lib/box/box-auth.js';
import type { TokenStore } from '../../lib/core/tokens/token-store.js';
import { anyText } from '../support/any-text.js';
import { FakeRuntime } from '../support/fake-runtime.js';
import { ScriptedEndpoint } from '../support/scripted-endpoint.js';
import { expectOurs, outcomeOf } from './outcome.js';

const CLIENT_SECRET = 'q9LmZx3VbN7tRw2KcY8pDf5GhJ4sAe6U';
const STORED = 'T1aK8sQ2vX7nB4mC9zL5wE3rY6uI0oP1';
const SECRETS = [CLIENT_SECRET, STORED];

const number = fc.oneof(
  fc.nat(10_000),
  fc.constantFrom(0, -1, 1e300, Number.NaN, Number.POSITIVE_INFINITY, '5', null, undefined),
);
const token = fc.oneof(
  fc.record({
    value: fc.oneof(fc.constantFrom(STORED, '', ' ', 'a\nb', 7), anyText()),
    lifetimeMs: fc.oneof(fc.constantFrom(3_600_000, 1), number),
    expiresAt: fc.oneof(fc.constant(Date.parse('2026-03-01T13:00:00Z')), number),
    scopes: fc.oneof(fc.constant(undefined), fc.jsonValue({ maxDepth: 1 })),
  }),
  fc.jsonValue({ maxDepth: 1 }),
);
const claim = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ state: fc.constant('token'), token, fence: number, ageMs: number }),
  },
  fc.record({ state: fc.constant('claimed'), fence: number }),
  fc.record({ state: fc.constant('leased') }),
  fc.record(
    {
      state: fc.constant('paused'),
      forMs: number,
      reason: fc.oneof(anyText(), fc.constant(CLIENT_SECRET), fc.jsonValue({ maxDepth: 1 })),
    },
    { requiredKeys: ['state'] },
  ),
  fc.jsonValue({ maxDepth: 2 }),
  fc.constant(undefined),
);
/** A store may also reject, throw, or never reply. */
const reply = fc.record({
  how: fc.constantFrom(
    'resolve',
    'resolve',
    'resolve',
    'resolve',
    'reject',
    'throw',
    'hang',
    'sync',
  ),
  value: claim,
});

function toReply({ how, value }: { readonly how: string; readonly value: unknown }): unknown {
  const failure = new Error(`redis://:${CLIENT_SECRET}@localhost`);
  if (how === 'throw') throw failure;
  if (how === 'sync') return value;
  if (how === 'hang') return new Promise(() => undefined);
  return how === 'reject' ? Promise.reject(failure) : Promise.resolve(value);
}

describe('Any replies of a store', () => {
  it('lead to a token or one of our errors, in time, and show no secret', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(reply, { minLength: 1, maxLength: 6 }), async (replies) => {
        const runtime = new FakeRuntime();
        const endpoint = new ScriptedEndpoint(runtime);
        let commands = 0;
        const next = () => {
          const each = replies[commands++ % replies.length];
          return each === undefined ? undefined : toReply(each);
        };
        const store = { claim: next, publish: next, invalidate: next, fail: next };
        const box = new BoxAuth({
          credentials: { clientId: 'client', clientSecret: CLIENT_SECRET, enterpriseId: '1' },
          fetch: endpoint.fetch,
          store: store as unknown as TokenStore,
          runtime,
        });
        const first = await outcomeOf(box.provider.getToken(), runtime);
        if ('error' in first) expectOurs(first.error, SECRETS);
        else {
          expect(first.value.value).toMatch(/^[\x21-\x7e]+$/);
          box.provider.invalidate(first.value);
        }
        const second = await outcomeOf(box.provider.getToken(), runtime);
        if ('error' in second) expectOurs(second.error, SECRETS);
        expect(commands).toBeLessThan(2_000);
        box.close();
      }),
      {
        numRuns: 150,
        examples: [
          [[{ how: 'resolve', value: { state: 'paused', forMs: 1_000 } }]], // Regression: an untyped TypeError.
          [[{ how: 'sync', value: [] }]], // Regression: an endless loop.
        ],
      },
    );
  });
});

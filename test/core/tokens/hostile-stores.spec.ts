import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccessToken } from 'nestjs-box-auth';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { isTokenValue } from '../../../lib/core/credentials/field-checks.js';
import { MemoryTokenStore } from '../../support/memory-token-store.js';
import { credentials, holdsFor, outcomeOf } from '../../support/app-outcome.js';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { oddFunction, oddValue } from '../../support/hostile-values.js';
import { ScriptedEndpoint } from '../../support/scripted-endpoint.js';

describe('A token store that returns or throws anything', () => {
  const METHODS = ['claim', 'publish', 'invalidate', 'fail'] as const;
  const fence = 1;
  const token = { value: 'theirs', lifetimeMs: 3_600_000, expiresAt: 9e12 };
  const CLAIMS: readonly object[] = [
    { state: 'token', token, fence, ageMs: 0 },
    { state: 'claimed', fence },
    { state: 'leased' },
    { state: 'paused', forMs: 1_000, reason: 'it was refused' },
  ];
  /** A claim with any value in one field of it or of its token. */
  const corrupted = fc
    .tuple(
      fc.constantFrom(...CLAIMS),
      fc.constantFrom('state', 'token', 'fence', 'ageMs', 'forMs', 'reason', 'value', 'lifetimeMs'),
      oddValue,
    )
    .map(
      ([claim, field, make]) =>
        () =>
          field in token
            ? { ...claim, token: { ...token, [field]: make() } }
            : { ...claim, [field]: make() },
    );

  it.each(METHODS)('from %s prevents neither tokens nor errors with their reason', (method) =>
    holdsFor(oddFunction(), async (odd) => {
      const runtime = new FakeRuntime();
      const endpoint = new ScriptedEndpoint(runtime).script(() => endpoint.json(503, {}));
      const { provider } = new BoxAuth({
        credentials,
        fetch: endpoint.fetch,
        runtime,
        tokenEndpoint: { attempts: 1 },
        store: Object.assign(new MemoryTokenStore(runtime), { [method]: odd }),
      });
      const outcome = async () => {
        const requested = provider.getToken().catch((error: unknown) => error);
        await runtime.advance(60_000);
        return requested;
      };
      expect(await outcome()).toMatchObject({ code: 'unavailable', status: 503 });
      const first = await outcome();
      expect(first).toMatchObject({ value: 'token-2-for-1' });
      provider.invalidate(first as AccessToken);
      expect(await outcome()).toMatchObject({ value: 'token-3-for-1' });
    }),
  );

  it('from claim causes one store event', () =>
    holdsFor(oddFunction(), async (odd) => {
      const { token: got, events } = await outcomeOf((runtime) => ({
        store: Object.assign(new MemoryTokenStore(runtime), { claim: odd }),
      }));
      expect(got).toBe('token-1-for-1');
      expect(events.filter(({ kind }) => kind === 'store')).toMatchObject([{ state: 'away' }]);
    }));

  it('in one field of a claim leads to a token or to a retryable error', () =>
    holdsFor(oddFunction(corrupted), async (odd) => {
      const { token: got, error } = await outcomeOf((runtime) => ({
        store: Object.assign(new MemoryTokenStore(runtime), { claim: odd }),
      }));
      if (got === undefined) expect(error?.code).toBe('unavailable');
      else expect(isTokenValue(got), 'a token that fits into a header').toBe(true);
    }));

  it('from claim causes store_unavailable if onStoreFailure is closed', () =>
    holdsFor(oddFunction(), async (odd) => {
      const { error } = await outcomeOf((runtime) => ({
        onStoreFailure: 'closed',
        store: Object.assign(new MemoryTokenStore(runtime), { claim: odd }),
      }));
      expect(error?.code).toBe('store_unavailable');
    }));

  it.each([
    ['an empty list', () => []],
    ['an empty string', () => ''],
    ['a Map', () => new Map()],
    ['a pause without a reason', () => ({ state: 'paused', forMs: 1_000 })],
    ['a pause of NaN', () => ({ state: 'paused', forMs: Number.NaN, reason: '' })],
  ])('is reported and not used again for a while after one claim that is %s', async (_, claim) => {
    let claims = 0;
    const counted = () => {
      claims += 1;
      return claim();
    };
    const { token: got, events } = await outcomeOf((runtime) => ({
      store: Object.assign(new MemoryTokenStore(runtime), { claim: counted }),
    }));
    expect(got).toBe('token-1-for-1');
    expect(claims).toBe(1);
    expect(events.filter(({ kind }) => kind === 'store')).toMatchObject([
      { state: 'away', cause: { message: expect.stringContaining('invalid claim') } },
    ]);
  });
});

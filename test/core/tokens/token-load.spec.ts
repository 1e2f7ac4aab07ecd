import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import type { BoxTokenProvider } from '../../../lib/box/box-token.provider.js';
import { AccessToken } from '../../../lib/core/token-endpoint/access-token.js';
import { TokenCache } from '../../../lib/core/tokens/token-cache.js';
import type { TokenSource } from '../../../lib/core/tokens/token-source.js';
import { renewalDefaults } from '../../../lib/core/tokens/renewal.options.js';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { ScriptedEndpoint } from '../../support/scripted-endpoint.js';

const credentials = { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' };

let runtime: FakeRuntime;
let endpoint: ScriptedEndpoint;
let box: BoxTokenProvider;
beforeEach(() => {
  runtime = new FakeRuntime();
  runtime.randomValue = 0;
  endpoint = new ScriptedEndpoint(runtime);
  box = new BoxAuth({ credentials, fetch: endpoint.fetch, runtime }).provider;
});

const many = (n: number, work: () => Promise<AccessToken>) =>
  Promise.all(Array.from({ length: n }, work));

describe('A token under load', () => {
  it('is requested once for 10,000 concurrent callers', async () => {
    const tokens = await many(10_000, () => box.getToken());
    expect(new Set(tokens).size).toBe(1);
    expect(endpoint.received).toHaveLength(1);
  });

  it('is replaced once for 10,000 callers', async () => {
    const old = await box.getToken();
    await many(10_000, () => {
      box.invalidate(old);
      return box.getToken();
    });
    expect(endpoint.received).toHaveLength(2);
  });

  it('lets only the first caller wait over a day with a call every 10 seconds', async () => {
    await box.getToken();
    for (let second = 0; second < 86_400; second += 10) {
      expect(box.peekToken(), `after ${second} s`).toBeDefined();
      void box.getToken();
      await runtime.advance(10_000);
    }
    expect(endpoint.received.length).toBeLessThan(32);
    expect(endpoint.maxInFlight).toBe(1);
  }, 60_000);
});

describe('Subjects under load', () => {
  it('stay within the limit for 100,000 users, each with its own token, and evictions are counted', async () => {
    const source: TokenSource = {
      defaultSubject: { type: 'enterprise', id: '1' },
      forgetRefusals: () => undefined,
      mint: (subject = { type: 'enterprise', id: '1' }) =>
        Promise.resolve({
          token: new AccessToken(`token-for-${subject.id}`, { subject }),
          lifetimeMs: 3_600_000,
          requestedAt: { wall: runtime.now(), monotonic: runtime.monotonic() },
          isShared: false,
        }),
    };
    const tokens = new TokenCache(source, renewalDefaults, 10_000, runtime, () => undefined);
    const users = Array.from({ length: 100_000 }, (_, index) => String(index + 1));
    for (const id of users) {
      const { value } = await tokens.get({ subject: { type: 'user', id } });
      if (value !== `token-for-${id}`) throw new Error(`${id} got ${value}`);
    }
    const kept = users.filter((id) => tokens.peek({ type: 'user', id }) !== undefined);
    expect(kept).toHaveLength(10_000);
    expect(kept[0]).toBe('90001');
    expect(tokens.evictions).toBe(90_000);
  });
});

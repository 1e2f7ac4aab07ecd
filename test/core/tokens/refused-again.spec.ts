import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { MemoryTokenStore } from '../../support/memory-token-store.js';
import type { ClaimRequest, TokenStore } from '../../../lib/core/tokens/token-store.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';
import { ScriptedEndpoint } from '../../support/scripted-endpoint.js';
import { thrownBy } from '../../support/thrown.js';

const credentials = { clientId: 'client', clientSecret: 'client-secret', enterpriseId: '1' };
const ME = 'https://api.box.com/2.0/users/me';

let runtime: FakeRuntime;
let endpoint: ScriptedEndpoint;
let store: MemoryTokenStore;
/** The tokens that Box refuses. */
let revoked: Set<string>;
beforeEach(() => {
  runtime = new FakeRuntime();
  endpoint = new ScriptedEndpoint(runtime);
  store = new MemoryTokenStore(runtime);
  revoked = new Set();
});

/** One process of a fleet. */
const box = (shared: TokenStore | undefined = store) =>
  new BoxAuth({
    credentials,
    runtime,
    store: shared,
    fetch: async (input, init) => {
      if (String(input) !== ME) return await endpoint.fetch(input, init);
      const bearer = new Headers(init?.headers).get('authorization') ?? '';
      return revoked.has(bearer.replace('Bearer ', ''))
        ? new Response(null, {
            status: 401,
            headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
          })
        : new Response('{}');
    },
  });

const currentToken = async (process: BoxAuth) => {
  const token = await process.provider.getToken();
  await settled();
  return token;
};

describe('A process that replaced a refused token with the token of another process', () => {
  it('replaces that token as well if it was requested more than 10 s ago', async () => {
    const [first, second] = [box(), box()];
    const old = await currentToken(first);
    expect((await currentToken(second)).value).toBe(old.value);
    revoked.add(old.value);
    await first.fetch(ME);
    const shared = await currentToken(first);
    await runtime.advance(12_000);
    expect((await second.fetch(ME)).status).toBe(200);
    expect(second.provider.peekToken()?.value).toBe(shared.value);

    await runtime.advance(1_000);
    revoked.add(shared.value);
    expect((await first.fetch(ME)).status).toBe(200);
    await settled();
    expect((await second.fetch(ME)).status).toBe(200);
    expect(endpoint.received).toHaveLength(3);
  });

  it('takes a newer token from the store within the 10 s', async () => {
    const [first, second] = [box(), box()];
    const old = await currentToken(first);
    await currentToken(second);
    revoked.add(old.value);
    await first.fetch(ME);
    const shared = await currentToken(first);
    await second.fetch(ME);
    revoked.add(shared.value);
    await runtime.advance(1_000);
    await first.provider.revoke();
    await currentToken(first);
    expect((await second.fetch(ME)).status).toBe(200);
    expect(second.provider.peekToken()?.value).toBe((await currentToken(first)).value);
  });

  it('sends no request within the 10 s if the store has no token, and one after them', async () => {
    const [first, second] = [box(), box()];
    const old = await currentToken(first);
    await currentToken(second);
    revoked.add(old.value);
    await first.fetch(ME);
    const shared = await currentToken(first);
    revoked.add(shared.value);
    await runtime.advance(3_000);
    expect((await second.fetch(ME)).status).toBe(401);
    const error = await thrownBy(() => second.fetch(ME));
    expect(error).toMatchObject({ code: 'token_refused_again', retryAfterMs: 7_000 });
    expect(error.message).toContain(shared.fingerprint);
    expect(error.message).toContain('less than 10 s after it was requested');
    expect(endpoint.received).toHaveLength(2);

    await runtime.advance(7_000);
    expect((await second.fetch(ME)).status).toBe(200);
    expect(endpoint.received).toHaveLength(3);
  });

  it('looks up the store once for many calls that are refused together', async () => {
    let claims = 0;
    class CountedStore extends MemoryTokenStore {
      override claim(identity: string, request: ClaimRequest) {
        claims += 1;
        return super.claim(identity, request);
      }
    }
    const process = box(new CountedStore(runtime));
    revoked.add((await currentToken(process)).value);
    await process.fetch(ME);
    revoked.add((await currentToken(process)).value);
    claims = 0;
    const calls = Array.from({ length: 50 }, () => thrownBy(() => process.fetch(ME)));
    expect(new Set((await Promise.all(calls)).map(({ code }) => code))).toEqual(
      new Set(['token_refused_again']),
    );
    expect(claims).toBe(1);
  });

  it('fails in the same way when the store is unavailable', async () => {
    let isUnavailable = false;
    class LostStore extends MemoryTokenStore {
      override claim(identity: string, request: ClaimRequest) {
        return isUnavailable
          ? Promise.reject(new Error('unavailable'))
          : super.claim(identity, request);
      }
    }
    const process = box(new LostStore(runtime));
    revoked.add((await currentToken(process)).value);
    await process.fetch(ME);
    revoked.add((await currentToken(process)).value);
    isUnavailable = true;
    expect((await thrownBy(() => process.fetch(ME))).code).toBe('token_refused_again');
  });
});

describe('A process without a store', () => {
  it('counts the 10 s from the token request, even if its response was slow', async () => {
    const process = box(undefined);
    const old = await currentToken(process);
    revoked.add(old.value);
    endpoint.script(async (request) => {
      await new Promise<void>((resolve) => void runtime.schedule(resolve, 9_000));
      return endpoint.grant(request);
    });
    const call = process.fetch(ME);
    await runtime.advance(9_000);
    expect((await call).status).toBe(200);
    revoked.add((await currentToken(process)).value);
    expect((await thrownBy(() => process.fetch(ME))).code).toBe('token_refused_again');
    await runtime.advance(1_000);
    expect((await process.fetch(ME)).status).toBe(200);
  });
});

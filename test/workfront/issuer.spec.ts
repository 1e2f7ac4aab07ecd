import { createPublicKey } from 'node:crypto';
import fc from 'fast-check';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import type { WorkfrontAuth } from '../../lib/workfront/workfront-auth.js';
import { FakeRuntime } from '../support/fake-runtime.js';
import {
  broken,
  type Received,
  refuse,
  type ScriptedEndpoint,
} from '../support/scripted-endpoint.js';
import {
  application,
  EXCHANGE_URL,
  jwtOf,
  over,
  publicKey,
  ScriptedWorkfront,
  until,
} from './workfront-app.js';

const MAX_S = 180;

let runtime: FakeRuntime;
let exchange: ScriptedEndpoint;
let workfront: WorkfrontAuth;
beforeEach(() => {
  runtime = new FakeRuntime();
  runtime.randomValue = 0; // no pause between attempts, unless the exchange asks for one
  const scripted = new ScriptedWorkfront(runtime);
  ({ exchange } = scripted);
  workfront = scripted.app();
});

async function minted(): Promise<Received> {
  workfront.provider.flush();
  await over(runtime, workfront.provider.getToken());
  const request = exchange.received.at(-1);
  if (request === undefined) throw new Error('nothing was asked for');
  return request;
}

describe('A session is requested', () => {
  it('with a form of three fields at the token endpoint', async () => {
    const { url, init, form } = await minted();
    expect(url).toBe(EXCHANGE_URL);
    expect(init.method).toBe('POST');
    expect([...form.keys()]).toEqual(['client_id', 'client_secret', 'jwt_token']);
    expect(form.get('client_id')).toBe(application.clientId);
    expect(form.get('client_secret')).toBe(application.clientSecret);
    const headers = new Headers(init.headers);
    expect(headers.get('content-type')).toBe('application/x-www-form-urlencoded');
    expect([...headers.keys()]).toEqual(['accept', 'content-type']);
  });

  it('with a JWT that is signed with RS256 and names no key', async () => {
    const jwt = jwtOf(await minted());
    expect(decodeProtectedHeader(jwt)).toEqual({ alg: 'RS256', typ: 'JWT' });
    const key = createPublicKey(publicKey);
    const { payload } = await jwtVerify(jwt, key, {
      algorithms: ['RS256'],
      currentDate: new Date(runtime.now()),
    });
    const nowS = Math.floor(runtime.now() / 1000);
    expect(payload).toEqual({
      iss: application.customerId,
      sub: application.userId,
      exp: nowS + 120,
      iat: nowS - 30,
      jti: expect.any(String),
    });
  });

  it('with a new JWT for each session, also within one second', async () => {
    const jwts = [];
    for (let mint = 0; mint < 5; mint++) jwts.push(jwtOf(await minted()));
    expect(new Set(jwts).size).toBe(5);
    expect(new Set(jwts.map((jwt) => decodeJwt(jwt).exp)).size).toBe(1);
  });

  it('with a new JWT for each attempt, after every kind of failure', async () => {
    workfront = new ScriptedWorkfront(runtime).app({
      fetch: exchange.fetch,
      tokenEndpoint: { attempts: 9 },
    });
    exchange.script(
      refuse(exchange, 503, 'unavailable', ''),
      refuse(exchange, 429, 'rate_limit', '', { 'retry-after': '0' }),
      broken('ECONNRESET'),
      () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
      refuse(exchange, 500, 'unavailable', ''),
    );
    await minted();
    const jwts = exchange.received.map(jwtOf);
    expect(jwts).toHaveLength(6);
    expect(new Set(jwts).size).toBe(6);
    // Not even the second has changed: it is the jti that does.
    expect(new Set(jwts.map((jwt) => decodeJwt(jwt).exp)).size).toBe(1);
  });

  it('with a fresh assertion after a Retry-After', async () => {
    exchange.script(refuse(exchange, 429, 'rate_limit', '', { 'retry-after': '20' }));
    const work = workfront.provider.getToken();
    await until(runtime, () => exchange.received.length === 1);
    await runtime.advance(20_000);
    await over(runtime, work);
    const [first, second] = exchange.received.map((request) => decodeJwt(jwtOf(request)));
    expect((second?.exp ?? 0) - (first?.exp ?? 0)).toBe(20);
    expect(exchange.received.map(({ at }) => at - (exchange.received[0]?.at ?? 0))).toEqual([
      0, 20_000,
    ]);
  });
});

describe('With clocks that differ by less than a day', () => {
  /** As strict as an exchange can be: the lifetime, and not a moment of grace for `iat`. */
  function judge(request: Received): Response {
    const { exp = 0, iat = 0 } = decodeJwt(jwtOf(request));
    const nowS = (runtime.now() + exchange.skewMs) / 1000;
    const isGood = exp > nowS && exp <= nowS + MAX_S && iat <= nowS;
    return isGood ? exchange.grant(request) : exchange.json(400, { error: 'invalid_grant' });
  }

  const DAY_MS = 86_400_000;
  const BELIEVED_MS = DAY_MS - 2_000; // an offset of more than a day is not, and a Date header is rounded
  const offsets = fc.oneof(
    fc.integer({ min: -BELIEVED_MS, max: BELIEVED_MS }),
    fc.integer({ min: -300_000, max: 300_000 }),
    fc.integer({ min: 118_000, max: 122_000 }), // the JWT's own life
    fc.integer({ min: -3_000, max: 3_000 }), // what a Date header cannot tell from none
  );

  it('the first session costs at most one more request, and later sessions none', async () => {
    const seen = { once: 0, twice: 0 };
    const start = Date.parse('2026-03-01T12:00:00Z');
    await fc.assert(
      fc.asyncProperty(offsets, fc.integer({ min: 0, max: 999 }), async (skewMs, ms) => {
        runtime = new FakeRuntime(start + ms);
        const scripted = new ScriptedWorkfront(runtime);
        ({ exchange } = scripted);
        exchange.skewMs = skewMs;
        exchange.otherwise = judge;
        workfront = scripted.app();

        const { length: first } = (await minted(), exchange.received);
        expect(first).toBeLessThanOrEqual(2);
        seen[first === 1 ? 'once' : 'twice'] += 1;
        for (let mint = 1; mint <= 3; mint++) {
          await runtime.advance(331);
          await minted();
          expect(exchange.received).toHaveLength(first + mint);
        }
      }),
      { numRuns: 150 },
    );
    expect(seen.once).toBeGreaterThan(10);
    expect(seen.twice).toBeGreaterThan(10);
  });

  it('no JWT is valid for more than three minutes by the clock of Workfront, once it is known', async () => {
    exchange.skewMs = -DAY_MS;
    exchange.otherwise = judge;
    await minted();
    const serverS = (runtime.now() + exchange.skewMs) / 1000;
    const [, second] = exchange.received.map((request) => decodeJwt(jwtOf(request)));
    expect(second?.exp).toBeGreaterThan(serverS);
    expect(second?.exp).toBeLessThanOrEqual(serverS + MAX_S);
  });
});

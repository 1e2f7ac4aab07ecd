import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { BoxIssuer } from '../../../lib/box/box-issuer.js';
import type { AuthEvent } from '../../../lib/core/events/auth-events.js';
import { TimeBudget } from '../../../lib/core/runtime/time-budget.js';
import { accessTokenGrant, type FormMaker } from '../../../lib/core/token-endpoint/grant.js';
import { TokenAttempts } from '../../../lib/core/token-endpoint/token-attempts.js';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { type Received, ScriptedEndpoint } from '../../support/scripted-endpoint.js';
import { thrownBy } from '../../support/thrown.js';

const subject = { type: 'enterprise', id: '1' } as const;
const LIFETIME_MS = 45_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Box, behind a gateway that sets a `Date` of its own. */
class Gateway {
  readonly runtime = new FakeRuntime();
  readonly endpoint = new ScriptedEndpoint(this.runtime);
  readonly events: AuthEvent[] = [];
  /** How far Box's clock is ahead of the machine's. */
  boxAheadMs = 0;
  /** How far the gateway's clock is ahead of Box's. */
  dateAheadMs = 0;
  refusal = "Please check the 'exp' claim.";
  isOfAnotherClient = false;
  readonly #attempts = new TokenAttempts(
    new BoxIssuer('https://api.box.com', {}),
    { timeoutMs: 10_000, attempts: 4, deadlineMs: 30_000 },
    this.endpoint.fetch,
    this.runtime,
    (event) => this.events.push(event),
  );

  constructor() {
    this.endpoint.otherwise = (request) => this.#respond(request);
  }

  /** Requests a token, and returns how many requests that took. */
  async requestsForToken(): Promise<number> {
    const before = this.endpoint.received.length;
    const makeForm: FormMaker = ({ serverNow }) =>
      Promise.resolve({ exp: String(serverNow + LIFETIME_MS) });
    const budget = new TimeBudget(this.runtime, 30_000);
    await this.#attempts.send(accessTokenGrant(makeForm, subject), { budget });
    return this.endpoint.received.length - before;
  }

  #respond(request: Received): Response {
    this.endpoint.skewMs = this.boxAheadMs + this.dateAheadMs;
    const leftMs = Number(request.form.get('exp')) - this.runtime.now() - this.boxAheadMs;
    if (this.isOfAnotherClient || leftMs <= 0 || leftMs > MINUTE) {
      return this.endpoint.json(400, { error: 'invalid_grant', error_description: this.refusal });
    }
    return this.endpoint.grant(request);
  }
}

let gateway: Gateway;
beforeEach(() => {
  gateway = new Gateway();
});

describe('A gateway whose Date header is wrong', () => {
  it.each([
    ['30 s ahead', 30_000],
    ['50 s behind', -50_000],
    ['5 min ahead', 5 * MINUTE],
    ['5 min behind', -5 * MINUTE],
    ['a day ahead', DAY],
    ['a day behind', -DAY],
  ])('costs one more request, once, when it is %s', async (_, dateAheadMs) => {
    gateway.dateAheadMs = dateAheadMs;
    expect(await gateway.requestsForToken()).toBe(1);
    expect(await gateway.requestsForToken()).toBe(2);
    for (let refresh = 0; refresh < 5; refresh++) {
      await gateway.runtime.advance(HOUR);
      expect(await gateway.requestsForToken()).toBe(1);
    }
  });

  it('costs one more request if the issuer gives no reasons', async () => {
    gateway.refusal = 'Invalid JWT';
    gateway.dateAheadMs = 5 * MINUTE;
    expect(await gateway.requestsForToken()).toBe(1);
    expect(await gateway.requestsForToken()).toBe(2);
    expect(await gateway.requestsForToken()).toBe(1);
  });

  it('is used again when the clock of this machine is refused', async () => {
    gateway.dateAheadMs = 5 * MINUTE;
    await gateway.requestsForToken();
    await gateway.requestsForToken();
    gateway.dateAheadMs = 0;
    gateway.boxAheadMs = 10 * MINUTE;
    expect(await gateway.requestsForToken()).toBe(2);
    expect(await gateway.requestsForToken()).toBe(1);
  });

  it('is reported once, and so is the return to the clock of this machine', async () => {
    gateway.dateAheadMs = 30_000;
    for (let refresh = 0; refresh < 4; refresh++) await gateway.requestsForToken();
    expect(gateway.events).toEqual([
      { kind: 'clock-offset', offsetMs: 30_500, previousOffsetMs: 0 },
      { kind: 'clock-offset', offsetMs: 0, previousOffsetMs: 30_500 },
    ]);
  });

  it('costs each of several concurrent requests at most one more', async () => {
    gateway.dateAheadMs = 30_000;
    await gateway.requestsForToken();
    const before = gateway.endpoint.received.length;
    await Promise.all(Array.from({ length: 5 }, () => gateway.requestsForToken()));
    expect(gateway.endpoint.received.length - before).toBeLessThanOrEqual(10);
    expect(await gateway.requestsForToken()).toBe(1);
  });

  it('with nodes that disagree costs at most two more requests, once', async () => {
    const dates = [30_000, -50_000];
    const alternate = () =>
      (gateway.dateAheadMs = dates[gateway.endpoint.received.length % 2] ?? 0);
    gateway.dateAheadMs = 30_000;
    await gateway.requestsForToken();
    alternate();
    expect(await gateway.requestsForToken()).toBeLessThanOrEqual(3);
    for (let refresh = 0; refresh < 4; refresh++) {
      alternate();
      expect(await gateway.requestsForToken()).toBe(1);
    }
  });
});

describe('A wrong clock of this machine', () => {
  it('costs one more request, once, when it is a day off', async () => {
    gateway.boxAheadMs = DAY;
    expect(await gateway.requestsForToken()).toBe(2);
    expect(await gateway.requestsForToken()).toBe(1);
  });

  it('stays corrected when an assertion was refused because of its age', async () => {
    gateway.boxAheadMs = 5 * MINUTE;
    await gateway.requestsForToken();
    gateway.endpoint.script(() =>
      gateway.endpoint.json(400, {
        error: 'invalid_grant',
        error_description: gateway.refusal,
      }),
    );
    expect(await gateway.requestsForToken()).toBe(3);
    expect(await gateway.requestsForToken()).toBe(1);
  });

  it('is not reported for a refusal without a reason that has another cause', async () => {
    gateway.refusal = 'Invalid JWT';
    gateway.boxAheadMs = 5 * MINUTE;
    await thrownBy(() => gateway.requestsForToken());
    gateway.isOfAnotherClient = true;
    const before = gateway.endpoint.received.length;
    expect((await thrownBy(() => gateway.requestsForToken())).code).toBe('token_request_refused');
    expect(gateway.endpoint.received.length - before).toBe(2);
  });

  it('is reported if the Date header is wrong too, after at most four requests', async () => {
    gateway.boxAheadMs = 20 * MINUTE;
    gateway.dateAheadMs = 20 * MINUTE;
    const error = await thrownBy(() => gateway.requestsForToken());
    expect(error).toMatchObject({ code: 'assertion_expired', retryable: false });
    expect(gateway.endpoint.received.length).toBeLessThanOrEqual(4);
  });
});

it('Tokens are granted whenever either clock is right, for one more request at most', async () => {
  const offMs = fc.integer({ min: -12 * HOUR, max: 12 * HOUR });
  await fc.assert(
    fc.asyncProperty(offMs, fc.boolean(), async (ms, isGateway) => {
      gateway = new Gateway();
      if (isGateway) gateway.dateAheadMs = ms;
      else gateway.boxAheadMs = ms;
      const requests = [];
      for (let refresh = 0; refresh < 5; refresh++) {
        requests.push(await gateway.requestsForToken());
        await gateway.runtime.advance(HOUR);
      }
      expect(requests.reduce((sum, each) => sum + each)).toBeLessThanOrEqual(6);
    }),
    { numRuns: 200 },
  );
});

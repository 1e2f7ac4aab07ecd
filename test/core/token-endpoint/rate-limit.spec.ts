import { beforeEach, describe, expect, it } from 'vitest';
import { type AccessToken, BoxAuthError } from 'nestjs-box-auth';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import type { BoxAuthOptions } from '../../../lib/box/box-auth.options.js';
import { MemoryTokenStore } from '../../support/memory-token-store.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';
import { type Received, refuse, ScriptedEndpoint } from '../../support/scripted-endpoint.js';

const USERS = 500;
const PER_SECOND = 20;
const credentials = { clientId: 'the-app', clientSecret: 'the-secret-of-it', enterpriseId: '900' };

let runtime: FakeRuntime;
let endpoint: ScriptedEndpoint;
let granted: number;
beforeEach(() => {
  runtime = new FakeRuntime();
  endpoint = new ScriptedEndpoint(runtime);
  granted = 0;
});

const user = (id: number) => ({ type: 'user', id: `${10_000 + id}` }) as const;
const app = (options: Partial<BoxAuthOptions> = {}) =>
  new BoxAuth({ credentials, fetch: endpoint.fetch, runtime, ...options });
const rateLimited = (retryAfter?: number) =>
  refuse(
    endpoint,
    429,
    'rate_limit_exceeded',
    'later',
    retryAfter === undefined ? {} : { 'retry-after': `${retryAfter}` },
  );

/** Allows 20 requests in each second of the clock. */
function limitTheEndpoint(latencyMs: number, retryAfter?: number): void {
  const allowed = new Map<number, number>();
  const respond = (request: Received): Response => {
    const second = Math.floor(runtime.monotonic() / 1000);
    const before = allowed.get(second) ?? 0;
    if (before >= PER_SECOND) return rateLimited(retryAfter)();
    allowed.set(second, before + 1);
    granted += 1;
    return endpoint.grant(request);
  };
  endpoint.otherwise = (request) =>
    latencyMs === 0
      ? respond(request)
      : new Promise((resolve) => {
          runtime.schedule(() => resolve(respond(request)), latencyMs);
        });
}

interface Outcomes {
  readonly tokens: readonly AccessToken[];
  readonly errors: readonly BoxAuthError[];
}

/** The results of one concurrent call for each user. */
async function outcomes(boxes: readonly BoxAuth[], ms: number): Promise<Outcomes> {
  const tokens: AccessToken[] = [];
  const errors: BoxAuthError[] = [];
  const work = Array.from({ length: USERS }, async (_, index) => {
    try {
      const token = await boxes[index % boxes.length]?.provider.getToken({ subject: user(index) });
      if (token !== undefined) tokens.push(token);
    } catch (error) {
      if (!(error instanceof BoxAuthError)) throw error;
      errors.push(error);
    }
  });
  // One request begins per event-loop tick.
  for (let tick = 0; tick < USERS; tick++) await settled();
  await runtime.advance(ms);
  await Promise.all(work);
  return { tokens, errors };
}

describe('500 concurrent users, at a token endpoint that allows 20 requests a second,', () => {
  it.each([
    ['with Retry-After', 0, 1],
    ['with Retry-After, over a slow network', 200, 1],
    ['without Retry-After', 0, undefined],
  ])(
    'all get their token in time with few extra requests: %s',
    async (_, latencyMs, retryAfter) => {
      limitTheEndpoint(latencyMs, retryAfter);
      const { tokens, errors } = await outcomes(
        [app({ tokenEndpoint: { deadlineMs: 120_000 } })],
        120_000,
      );
      expect(errors).toEqual([]);
      expect(new Set(tokens.map(({ subject }) => subject.id)).size).toBe(USERS);
      expect(endpoint.received.length).toBeLessThanOrEqual(USERS * 1.07);
    },
  );

  it('get their tokens within the default deadline', async () => {
    limitTheEndpoint(0, 1);
    const { tokens } = await outcomes([app({ maxSubjects: 600 })], 31_000);
    expect(tokens.length).toBeGreaterThan(USERS * 0.9);
  });

  it('get an error with retryAfterMs each if the deadline is too short', async () => {
    limitTheEndpoint(0, 1);
    const boxes = [app({ tokenEndpoint: { deadlineMs: 5_000 } })];
    const { tokens, errors } = await outcomes(boxes, 6_000);
    expect(tokens.length).toBeGreaterThan(60);
    expect(tokens.length + errors.length).toBe(USERS);
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'rate_limited', retryable: true, status: 429 });
      expect(error.retryAfterMs).toBeGreaterThan(0);
      expect(error.hint).toMatch(/many subjects.*between processes/);
    }
    expect(endpoint.received.length).toBeLessThanOrEqual(granted * 1.1);
  });

  it('get their tokens from a fleet that respects the pauses of its other processes', async () => {
    limitTheEndpoint(0, 1);
    const store = new MemoryTokenStore(runtime);
    const boxes = Array.from({ length: 5 }, () =>
      app({ store, tokenEndpoint: { deadlineMs: 120_000 } }),
    );
    const { errors } = await outcomes(boxes, 120_000);
    expect(errors).toEqual([]);
    expect(granted).toBe(USERS);
    expect(endpoint.received.length).toBeLessThanOrEqual(USERS * 1.15);
  });

  it('cause no further requests once the client is refused', async () => {
    limitTheEndpoint(200, 1);
    const { otherwise } = endpoint;
    endpoint.otherwise = (request) =>
      endpoint.received.length <= PER_SECOND
        ? otherwise(request)
        : refuse(endpoint, 400, 'invalid_client', 'The client credentials are invalid')();
    const { tokens, errors } = await outcomes([app()], 60_000);
    expect(tokens).toHaveLength(PER_SECOND);
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['client_invalid']));
    expect(endpoint.received.length).toBeLessThan(2 * PER_SECOND);
  });
});

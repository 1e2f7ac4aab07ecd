import { beforeEach, describe, expect, it } from 'vitest';
import type { AccessToken, BoxAuthError } from 'nestjs-box-auth';
import { BoxAuth } from '../../lib/box-auth.js';
import type { BoxAuthOptions } from '../../lib/box-auth.options.js';
import { MemoryTokenStore } from '../../lib/tokens/memory-token-store.js';
import { FakeRuntime, settled } from '../support/fake-runtime.js';
import { type Received, refuse, ScriptedEndpoint } from '../support/scripted-endpoint.js';

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
  const answer = (request: Received): Response => {
    const second = Math.floor(runtime.monotonic() / 1000);
    const before = allowed.get(second) ?? 0;
    if (before >= PER_SECOND) return rateLimited(retryAfter)();
    allowed.set(second, before + 1);
    granted += 1;
    return endpoint.grant(request);
  };
  endpoint.otherwise = (request) =>
    latencyMs === 0
      ? answer(request)
      : new Promise((resolve) => {
          runtime.schedule(() => resolve(answer(request)), latencyMs);
        });
}

interface Outcomes {
  readonly tokens: readonly AccessToken[];
  readonly errors: readonly BoxAuthError[];
}

/** What all users get who ask at once. */
async function outcomes(boxes: readonly BoxAuth[], ms: number): Promise<Outcomes> {
  const work = Promise.allSettled(
    Array.from({ length: USERS }, (_, index) =>
      boxes[index % boxes.length]?.provider.getToken({ subject: user(index) }),
    ),
  );
  // One begins in each turn of the event loop.
  for (let turn = 0; turn < USERS; turn++) await settled();
  await runtime.advance(ms);
  const all = await work;
  return {
    tokens: all.flatMap((it) => (it.status === 'fulfilled' && it.value ? [it.value] : [])),
    errors: all.flatMap((it) => (it.status === 'rejected' ? [it.reason as BoxAuthError] : [])),
  };
}

describe('500 users at once, where the token endpoint allows 20 requests a second', () => {
  it.each([
    ['with Retry-After', 0, 1],
    ['with Retry-After, over a slow network', 200, 1],
    ['without Retry-After', 0, undefined],
  ])('all get their token in time, for few more requests: %s', async (_, latencyMs, retryAfter) => {
    limitTheEndpoint(latencyMs, retryAfter);
    const { tokens, errors } = await outcomes(
      [app({ tokenEndpoint: { deadlineMs: 120_000 } })],
      120_000,
    );
    expect(errors).toEqual([]);
    expect(new Set(tokens.map(({ subject }) => subject.id)).size).toBe(USERS);
    expect(endpoint.received.length).toBeLessThanOrEqual(USERS * 1.07);
  });

  it('get it within the default deadline', async () => {
    limitTheEndpoint(0, 1);
    const { tokens } = await outcomes([app({ maxSubjects: 600 })], 31_000);
    expect(tokens.length).toBeGreaterThan(USERS * 0.9);
  });

  it('get one error each that says when to come back, if the deadline is too short', async () => {
    limitTheEndpoint(0, 1);
    const boxes = [app({ tokenEndpoint: { deadlineMs: 5_000 } })];
    const { tokens, errors } = await outcomes(boxes, 6_000);
    expect(tokens.length).toBeGreaterThan(60);
    expect(tokens.length + errors.length).toBe(USERS);
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'rate_limited', retryable: true, status: 429 });
      expect(error.retryAfterMs).toBeGreaterThan(0);
      expect(error.hint).toMatch(/one process has many subjects.*in a fleet/);
    }
    expect(endpoint.received.length).toBeLessThanOrEqual(granted * 1.1);
  });

  it('get it from a fleet without a request during a pause that another process met', async () => {
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
});

const alice = user(1);
const bob = user(2);
/** A promise whose failure is looked at later. */
const asked = <T>(work: Promise<T>): Promise<T> => {
  work.catch(() => undefined);
  return work;
};

describe('A 429 of the token endpoint', () => {
  beforeEach(() => {
    runtime.randomValue = 0;
  });

  it.each([
    ['for its Retry-After', 7, 7_000],
    ['for a moment without one', undefined, 250],
  ])('pauses the app with all its subjects %s', async (_, retryAfter, pauseMs) => {
    runtime.randomValue = 0.5;
    endpoint.script(rateLimited(retryAfter));
    const { provider } = app();
    const first = asked(provider.getToken({ subject: alice }));
    await settled();
    const others = [bob, undefined].map((subject) => asked(provider.getToken({ subject })));
    await runtime.advance(pauseMs - 1);
    expect(endpoint.received).toHaveLength(1);
    await runtime.advance(5_000);
    await expect(Promise.all([first, ...others])).resolves.toHaveLength(3);
    expect(endpoint.received).toHaveLength(4);
    // One after the other, and the token of the app itself before those of users.
    const [refused, ...later] = endpoint.received;
    expect(later[0]?.at).toBeGreaterThanOrEqual((refused?.at ?? 0) + pauseMs);
    expect(new Set(later.map(({ at }) => at)).size).toBe(3);
    expect(later.at(-1)?.form.get('box_subject_id')).toBe(bob.id);
  });

  /** Answers that come when the test says so. */
  const held = (): ((answer: Response) => void)[] => {
    const answers: ((answer: Response) => void)[] = [];
    endpoint.otherwise = () =>
      new Promise((resolve) => {
        answers.push(resolve);
      });
    return answers;
  };

  it('fails at once who could not get a token before the deadline, and sends nothing for them', async () => {
    const { provider } = app();
    const answers = held();
    const first = asked(provider.getToken({ subject: alice }));
    await settled();
    answers[0]?.(rateLimited(600)());
    await settled();
    const later = asked(provider.getToken({ subject: bob }));
    for (const work of [first, later]) {
      await expect(work).rejects.toMatchObject({ code: 'rate_limited', retryAfterMs: 600_000 });
    }
    expect(endpoint.received).toHaveLength(1);
  });

  it('fails those who wait already, once it says to wait for longer than they can', async () => {
    const { provider } = app();
    const answers = held();
    const sent = [alice, bob].map((subject) => asked(provider.getToken({ subject })));
    await settled();
    answers[0]?.(rateLimited(5)());
    await settled();
    const waiting = asked(provider.getToken({ subject: user(3) }));
    await settled();
    answers[1]?.(rateLimited(600)());
    await settled();
    await runtime.advance(0);
    for (const work of [...sent, waiting]) {
      await expect(work).rejects.toMatchObject({ code: 'rate_limited' });
    }
    expect(endpoint.received).toHaveLength(2);
    expect(runtime.timers).toBe(0);
  });

  it('is noticed by no caller whose token is good', async () => {
    const { provider } = app();
    const token = await provider.getToken();
    endpoint.otherwise = rateLimited(60);
    await asked(provider.getToken({ subject: alice })).catch(() => undefined);
    await runtime.advance(3_300_000);
    for (let call = 0; call < 20; call++) {
      expect((await provider.getToken()).value).toBe(token.value);
      await runtime.advance(1_000);
    }
  });

  it('is forgotten after a minute without requests: then many are sent at once again', async () => {
    endpoint.script(rateLimited(1));
    const { provider } = app();
    const early = asked(provider.getToken({ subject: alice }));
    await runtime.advance(2_000);
    await early;
    await runtime.advance(60_000);
    const work = Array.from({ length: 100 }, (_, id) =>
      provider.getToken({ subject: user(100 + id) }),
    );
    for (let turn = 0; turn < 100; turn++) await settled();
    await expect(Promise.all(work)).resolves.toHaveLength(100);
  });
});

describe('A 429 in a fleet', () => {
  beforeEach(() => {
    runtime.randomValue = 0;
  });

  it('pauses other processes and other subjects, too', async () => {
    const store = new MemoryTokenStore(runtime);
    const [one, other] = [app({ store }), app({ store })];
    endpoint.script(rateLimited(7));
    const work = [asked(one.provider.getToken({ subject: alice }))];
    await runtime.advance(50);
    work.push(asked(other.provider.getToken({ subject: bob })));
    await runtime.advance(6_900);
    expect(endpoint.received).toHaveLength(1);
    await runtime.advance(3_000);
    await expect(Promise.all(work)).resolves.toHaveLength(2);
    expect(endpoint.received).toHaveLength(3);
  });

  it('is told by another process with what is left of its pause', async () => {
    const store = new MemoryTokenStore(runtime);
    endpoint.script(rateLimited(120));
    const [one, other] = [app({ store }), app({ store })];
    const first = asked(one.provider.getToken({ subject: alice }));
    await runtime.advance(20_000);
    await expect(first).rejects.toMatchObject({ code: 'rate_limited' });
    const second = asked(other.provider.getToken({ subject: bob }));
    await settled();
    await expect(second).rejects.toMatchObject({
      code: 'rate_limited',
      retryable: true,
      retryAfterMs: 100_000,
    });
    expect(endpoint.received).toHaveLength(1);
  });

  it.each([
    ['is away', () => Promise.reject(new Error('ECONNREFUSED'))],
    ['answers nonsense', () => Promise.resolve(undefined as never)],
    ['says that somebody else has the claim', () => Promise.resolve({ state: 'leased' } as const)],
  ])('costs no call anything where the store %s', async (_, claim) => {
    const store = new MemoryTokenStore(runtime);
    const { claim: real } = store;
    store.claim = (identity, request) =>
      identity.includes('"user"') ? real.call(store, identity, request) : claim();
    endpoint.script(rateLimited(1));
    const work = asked(app({ store }).provider.getToken({ subject: alice }));
    await runtime.advance(5_000);
    await expect(work).resolves.toBeDefined();
    expect(endpoint.received).toHaveLength(2);
  });
});

import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import type { BoxAuthOptions } from '../../../lib/box/box-auth.options.js';
import { MemoryTokenStore } from '../../support/memory-token-store.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';
import { refuse, ScriptedEndpoint, silence } from '../../support/scripted-endpoint.js';

const credentials = { clientId: 'the-app', clientSecret: 'the-secret-of-it', enterpriseId: '900' };

let runtime: FakeRuntime;
let endpoint: ScriptedEndpoint;
beforeEach(() => {
  runtime = new FakeRuntime();
  endpoint = new ScriptedEndpoint(runtime);
});

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
const runtimeOf = ({ now, monotonic, random, uniqueId }: FakeRuntime) => ({
  now,
  monotonic,
  random,
  uniqueId,
});

const user = (id: number) => ({ type: 'user', id: `${10_000 + id}` }) as const;
const alice = user(1);
const bob = user(2);
/** Handles a rejection later. */
const started = <T>(work: Promise<T>): Promise<T> => {
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
    const first = started(provider.getToken({ subject: alice }));
    await settled();
    const others = [bob, undefined].map((subject) => started(provider.getToken({ subject })));
    await runtime.advance(pauseMs - 1);
    expect(endpoint.received).toHaveLength(1);
    await runtime.advance(5_000);
    await expect(Promise.all([first, ...others])).resolves.toHaveLength(3);
    expect(endpoint.received).toHaveLength(4);
    // One after the other, and the app's own token before those of users.
    const [refused, ...later] = endpoint.received;
    expect(later[0]?.at).toBeGreaterThanOrEqual((refused?.at ?? 0) + pauseMs);
    expect(new Set(later.map(({ at }) => at)).size).toBe(3);
    expect(later.at(-1)?.form.get('box_subject_id')).toBe(bob.id);
  });

  /** Holds all responses until the test sends them. */
  const held = (): ((response: Response) => void)[] => {
    const senders: ((response: Response) => void)[] = [];
    endpoint.otherwise = () =>
      new Promise((resolve) => {
        senders.push(resolve);
      });
    return senders;
  };

  it('rejects callers at once if the deadline is before the end of the pause, and sends nothing for them', async () => {
    const { provider } = app();
    const respond = held();
    const first = started(provider.getToken({ subject: alice }));
    await settled();
    respond[0]?.(rateLimited(600)());
    await settled();
    const later = started(provider.getToken({ subject: bob }));
    for (const work of [first, later]) {
      await expect(work).rejects.toMatchObject({ code: 'rate_limited', retryAfterMs: 600_000 });
    }
    expect(endpoint.received).toHaveLength(1);
  });

  it('rejects waiting callers once the pause is extended beyond their deadline', async () => {
    const { provider } = app();
    const respond = held();
    const sent = [alice, bob].map((subject) => started(provider.getToken({ subject })));
    await settled();
    respond[0]?.(rateLimited(5)());
    await settled();
    const waiting = started(provider.getToken({ subject: user(3) }));
    await settled();
    respond[1]?.(rateLimited(600)());
    await settled();
    await runtime.advance(0);
    for (const work of [...sent, waiting]) {
      await expect(work).rejects.toMatchObject({ code: 'rate_limited' });
    }
    expect(endpoint.received).toHaveLength(2);
    expect(runtime.timers).toBe(0);
  });

  it('does not affect callers with a valid token', async () => {
    const { provider } = app();
    const token = await provider.getToken();
    endpoint.otherwise = rateLimited(60);
    await started(provider.getToken({ subject: alice })).catch(() => undefined);
    await runtime.advance(3_300_000);
    for (let call = 0; call < 20; call++) {
      expect((await provider.getToken()).value).toBe(token.value);
      await runtime.advance(1_000);
    }
  });

  it('leaves each request in the async context of its own caller', async () => {
    const context = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const { fetch } = endpoint;
    const box = app({
      // The timers of Node do the same.
      runtime: {
        ...runtimeOf(runtime),
        schedule: (task, delayMs) => runtime.schedule(AsyncResource.bind(task), delayMs),
      },
      fetch: (...args) => {
        seen.push(context.getStore());
        return fetch(...args);
      },
    });
    await box.provider.getToken();
    const downscoped = (name: string) =>
      context.run(name, () => started(box.provider.downscope({ scopes: ['item_preview'] })));
    endpoint.script(rateLimited(5));
    const work = [downscoped('one')];
    await settled();
    work.push(downscoped('two'));
    await runtime.advance(10_000);
    await Promise.all(work);
    expect(seen).toEqual([undefined, 'one', 'one', 'two']);
  });

  it('sends no request that waits when the app shuts down, and leaves no timer', async () => {
    endpoint.script(rateLimited(5));
    const auth = app();
    const work = [alice, bob].map((subject) => started(auth.provider.getToken({ subject })));
    await settled();
    auth.close();
    for (const each of work) await expect(each).rejects.toMatchObject({ code: 'closed' });
    expect(runtime.timers).toBe(0);
    await runtime.advance(10_000);
    expect(endpoint.received).toHaveLength(1);
    expect(endpoint.inFlight).toBe(0);
  });

  it('is forgotten after a minute without requests, so that many are sent at once again', async () => {
    endpoint.script(rateLimited(1));
    const { provider } = app();
    const early = started(provider.getToken({ subject: alice }));
    await runtime.advance(2_000);
    await early;
    await runtime.advance(60_000);
    const work = Array.from({ length: 100 }, (_, id) =>
      provider.getToken({ subject: user(100 + id) }),
    );
    for (let tick = 0; tick < 100; tick++) await settled();
    await expect(Promise.all(work)).resolves.toHaveLength(100);
  });
});

describe('Requests that get no response', () => {
  it('hold back further requests of users after eight, but never that of the app itself', async () => {
    endpoint.otherwise = silence;
    const { provider } = app();
    const users = Array.from({ length: 20 }, (_, id) =>
      started(provider.getToken({ subject: user(id) })),
    );
    for (let tick = 0; tick < 20; tick++) await settled();
    expect(endpoint.received).toHaveLength(8);
    const own = started(provider.getToken());
    await settled();
    expect(endpoint.received).toHaveLength(9);
    await runtime.advance(30_000);
    for (const work of [...users, own]) {
      await expect(work).rejects.toMatchObject({ code: 'timeout' });
    }
  });
});

describe('A 429 in a fleet', () => {
  beforeEach(() => {
    runtime.randomValue = 0;
  });

  it('pauses other processes and other subjects too', async () => {
    const store = new MemoryTokenStore(runtime);
    const [one, other] = [app({ store }), app({ store })];
    endpoint.script(rateLimited(7));
    const work = [started(one.provider.getToken({ subject: alice }))];
    await runtime.advance(50);
    work.push(started(other.provider.getToken({ subject: bob })));
    await runtime.advance(6_900);
    expect(endpoint.received).toHaveLength(1);
    await runtime.advance(3_000);
    await expect(Promise.all(work)).resolves.toHaveLength(2);
    expect(endpoint.received).toHaveLength(3);
  });

  it('is reported by another process with the rest of the pause', async () => {
    const store = new MemoryTokenStore(runtime);
    endpoint.script(rateLimited(120));
    const [one, other] = [app({ store }), app({ store })];
    const first = started(one.provider.getToken({ subject: alice }));
    await runtime.advance(20_000);
    await expect(first).rejects.toMatchObject({ code: 'rate_limited' });
    const second = started(other.provider.getToken({ subject: bob }));
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
    ['returns nonsense', () => Promise.resolve(undefined as never)],
    [
      'says that another process has the claim',
      () => Promise.resolve({ state: 'leased' } as const),
    ],
  ])('does not fail calls where the store %s', async (_, claim) => {
    const store = new MemoryTokenStore(runtime);
    const claimSubject = store.claim.bind(store);
    store.claim = (identity, request) =>
      identity.includes('"user"') ? claimSubject(identity, request) : claim();
    endpoint.script(rateLimited(1));
    const work = started(app({ store }).provider.getToken({ subject: alice }));
    await runtime.advance(5_000);
    await expect(work).resolves.toBeDefined();
    expect(endpoint.received).toHaveLength(2);
  });
});

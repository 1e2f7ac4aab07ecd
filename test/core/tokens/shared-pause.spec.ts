import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuthError } from '../../../lib/core/errors/box-auth.error.js';
import { type PausableRequests, SharedPause } from '../../../lib/core/tokens/shared-pause.js';
import { StoreGuard } from '../../../lib/core/tokens/store-guard.js';
import type { Claim, ClaimRequest } from '../../../lib/core/tokens/token-store.js';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { MemoryTokenStore } from '../../support/memory-token-store.js';

const APP = 'the app';
const { signal } = new AbortController();

/** The requests of one process, with their recorded pauses. */
interface Process extends PausableRequests {
  readonly pauses: BoxAuthError[];
  readonly rateLimit: (retryAfterMs?: number) => void;
  readonly shared: SharedPause;
}

let runtime: FakeRuntime;
let store: MemoryTokenStore;
/** The claims that reached the store. */
let claims: [identity: string, request: ClaimRequest][];
/** The fail commands that reached the store. */
let failures: unknown[][];
/** Replaces the next results of the store. */
let results: (() => Promise<Claim>)[];
beforeEach(() => {
  runtime = new FakeRuntime();
  claims = [];
  failures = [];
  results = [];
  const memory = new MemoryTokenStore(runtime);
  store = Object.assign(Object.create(memory) as MemoryTokenStore, {
    claim: (identity: string, request: ClaimRequest) => {
      claims.push([identity, request]);
      return results.shift()?.() ?? memory.claim(identity, request);
    },
    fail: (...args: Parameters<MemoryTokenStore['fail']>) => {
      failures.push(args);
      return memory.fail(...args);
    },
    publish: memory.publish.bind(memory),
    invalidate: memory.invalidate.bind(memory),
  });
});

function newProcess({ hasIdentity = true } = {}): Process {
  const pauses: BoxAuthError[] = [];
  let listener: (error: BoxAuthError) => void = () => undefined;
  const requests: PausableRequests = {
    appIdentity: hasIdentity ? APP : undefined,
    onPause: (added) => void (listener = added),
    pause: (error) => void pauses.push(error),
  };
  const shared = new SharedPause(
    requests,
    new StoreGuard(store, runtime, () => undefined),
    runtime,
  );
  const rateLimit = (retryAfterMs?: number) =>
    listener(
      new BoxAuthError({
        code: 'rate_limited',
        message: 'Too many requests.',
        hint: 'h',
        docs: 'd',
        retryAfterMs,
      }),
    );
  return { ...requests, pauses, rateLimit, shared };
}

const leased = () => Promise.resolve({ state: 'leased' } as const);

describe('A pause of one process', () => {
  it('pauses the requests of another process for the rest of its time', async () => {
    newProcess().rateLimit(30_000);
    await runtime.advance(10_000);
    const other = newProcess();
    await other.shared.apply(signal);
    expect(other.pauses).toMatchObject([
      {
        code: 'rate_limited',
        retryable: true,
        retryAfterMs: 20_000,
        message:
          'Another process of this app was rate limited, so no token request is sent for now: Too many requests.',
      },
    ]);
  });

  it('is recorded as a failed claim of the app', async () => {
    newProcess().rateLimit(30_000);
    await runtime.advance(0);
    expect(claims).toEqual([
      [APP, { owner: expect.stringMatching(/./) as string, leaseMs: 1_000, newerThan: 0 }],
    ]);
    expect(failures).toEqual([[APP, claims[0]?.[1].owner, 30_000, 'Too many requests.']]);
  });

  it('lasts 0 ms without a Retry-After', async () => {
    newProcess().rateLimit();
    await runtime.advance(0);
    expect(failures).toMatchObject([[APP, expect.anything(), 0, 'Too many requests.']]);
  });

  it('is not recorded before the app has an identity', async () => {
    newProcess({ hasIdentity: false }).rateLimit(30_000);
    await runtime.advance(1_000);
    expect([claims, failures]).toEqual([[], []]);
  });

  it('is not recorded over the pause of another process', async () => {
    newProcess().rateLimit(30_000);
    await runtime.advance(0);
    newProcess().rateLimit(5_000);
    await runtime.advance(1_000);
    expect(failures).toHaveLength(1);
  });

  it('is recorded 20 ms later while another process looks it up', async () => {
    results = [leased];
    newProcess().rateLimit(30_000);
    await runtime.advance(19);
    expect([claims.length, failures.length]).toEqual([1, 0]);
    await runtime.advance(1);
    expect([claims.length, failures.length]).toEqual([2, 1]);
    await runtime.advance(1_000);
    expect([claims.length, failures.length]).toEqual([2, 1]);
  });

  it('is given up after three attempts, without a further wait', async () => {
    results = [leased, leased, leased, leased];
    newProcess().rateLimit(30_000);
    await runtime.advance(40);
    expect(claims).toHaveLength(3);
    expect(runtime.timers).toBe(0);
    await runtime.advance(1_000);
    expect(claims).toHaveLength(3);
    expect(failures).toEqual([]);
  });

  it('is given up when the store fails', async () => {
    results = [() => Promise.reject(new Error('gone'))];
    newProcess().rateLimit(30_000);
    await runtime.advance(10_000);
    expect(claims).toHaveLength(1);
    expect(failures).toEqual([]);
  });
});

describe('A lookup of the pause', () => {
  it('is a claim of 1 ms, and changes nothing without a pause', async () => {
    const { shared, pauses } = newProcess();
    await shared.apply(signal);
    expect(claims).toMatchObject([[APP, { leaseMs: 1, newerThan: 0 }]]);
    expect(pauses).toEqual([]);
    expect(failures).toEqual([]);
  });

  it('changes nothing while another process looks it up, or when the store fails', async () => {
    const { shared, pauses } = newProcess();
    results = [leased, () => Promise.reject(new Error('gone'))];
    await shared.apply(signal);
    await shared.apply(signal);
    expect(claims).toHaveLength(2);
    expect(pauses).toEqual([]);
  });

  it('sends no claim before the app has an identity', async () => {
    const { shared, pauses } = newProcess({ hasIdentity: false });
    await shared.apply(signal);
    expect([claims, pauses]).toEqual([[], []]);
  });

  it('rejects with the reason of its signal', async () => {
    results = [() => new Promise(() => undefined)];
    const controller = new AbortController();
    const lookup = newProcess().shared.apply(controller.signal);
    lookup.catch(() => undefined);
    await runtime.advance(1);
    controller.abort(new Error('stopped'));
    await expect(lookup).rejects.toThrow('stopped');
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import type { AccessToken } from 'nestjs-box-auth';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import type { BoxAuthOptions } from '../../../lib/box/box-auth.options.js';
import { MemoryTokenStore } from '../../support/memory-token-store.js';
import type { Claim, TokenStore } from '../../../lib/core/tokens/token-store.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';
import { broken, refuse, ScriptedEndpoint, silence } from '../../support/scripted-endpoint.js';
import { thrownBy } from '../../support/thrown.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const alice = { type: 'user', id: '11111' } as const;

/** A store that can fail, and that counts its commands. */
class FailingStore implements TokenStore {
  readonly #inner: MemoryTokenStore;
  commands = 0;
  /** Replaces each command while it is set. */
  failure: (() => Promise<never>) | undefined;

  constructor(runtime: FakeRuntime) {
    this.#inner = new MemoryTokenStore(runtime);
  }

  #execute<T>(command: () => Promise<T>): Promise<T> {
    this.commands += 1;
    return this.failure?.() ?? command();
  }

  claim: TokenStore['claim'] = (...args) => this.#execute(() => this.#inner.claim(...args));
  publish: TokenStore['publish'] = (...args) => this.#execute(() => this.#inner.publish(...args));
  invalidate: TokenStore['invalidate'] = (...args) =>
    this.#execute(() => this.#inner.invalidate(...args));
  fail: TokenStore['fail'] = (...args) => this.#execute(() => this.#inner.fail(...args));
}

let runtime: FakeRuntime;
let endpoint: ScriptedEndpoint;
let store: FailingStore;
beforeEach(() => {
  runtime = new FakeRuntime();
  endpoint = new ScriptedEndpoint(runtime);
  store = new FailingStore(runtime);
});

/** A process with its own cache and the shared store. */
function single(options: Partial<BoxAuthOptions> = {}): BoxAuth {
  return new BoxAuth({
    credentials: { clientId: 'the-client', clientSecret: 'the-secret-of-it', enterpriseId: '900' },
    fetch: endpoint.fetch,
    runtime,
    store,
    ...options,
  });
}

const fleet = (size: number, options?: Partial<BoxAuthOptions>): BoxAuth[] =>
  Array.from({ length: size }, () => single(options));

/** The result of `work`, with time passing meanwhile. */
async function during<T>(ms: number, work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  await runtime.advance(ms);
  return work;
}

const tokensOf = (boxes: readonly BoxAuth[]) =>
  during(5_000, Promise.all(boxes.map(({ provider }) => provider.getToken())));
const values = async (boxes: readonly BoxAuth[]) =>
  new Set((await tokensOf(boxes)).map(({ value }) => value));

describe('A fleet', () => {
  it('sends one token request for all processes', async () => {
    const boxes = fleet(12);
    expect((await values(boxes)).size).toBe(1);
    expect(endpoint.received).toHaveLength(1);
    expect((await values([...boxes, ...fleet(3)])).size).toBe(1);
    expect(endpoint.received).toHaveLength(1);
  });

  it('sends one token request per subject', async () => {
    const tokens = await during(
      5_000,
      Promise.all(
        fleet(5).flatMap(({ provider }) => [
          provider.getToken(),
          provider.getToken({ subject: alice }),
        ]),
      ),
    );
    expect(endpoint.received).toHaveLength(2);
    expect(new Set(tokens.map(({ value, subject }) => `${value} ${subject.id}`)).size).toBe(2);
  });

  it('shares no token between apps or API addresses', async () => {
    const one = single();
    const other = single({
      credentials: { clientId: 'another', clientSecret: 'the-secret-of-it', enterpriseId: '900' },
    });
    const elsewhere = single({ apiUrl: 'https://box.example.com' });
    await tokensOf([one, other, elsewhere]);
    expect(endpoint.received).toHaveLength(3);
  });

  it('sends no store command for a cached token', async () => {
    const box = single();
    await tokensOf([box]);
    const { commands } = store;
    for (let call = 0; call < 100; call++) await box.provider.getToken();
    expect(store.commands).toBe(commands);
  });

  it('refreshes ahead of time in one process, and the others take that token', async () => {
    const boxes = fleet(8);
    const first = await values(boxes);
    // Every process requests a token every minute for half a day.
    const mints = [];
    const waits = [];
    for (let minute = 0; minute < 720; minute++) {
      await runtime.advance(MINUTE);
      for (const { provider } of boxes) {
        const peeked = provider.peekToken();
        if (peeked === undefined) waits.push(minute);
        void provider.getToken();
      }
      mints.push(endpoint.received.length);
    }
    expect(waits).toEqual([]);
    expect(endpoint.maxInFlight).toBe(1);
    // In 12 hours, tokens that live an hour and are refreshed ten minutes early: 14, and 8 times as many without a store.
    expect(endpoint.received.length).toBeGreaterThanOrEqual(12);
    expect(endpoint.received.length).toBeLessThanOrEqual(16);
    const last = await values(boxes);
    expect(last.size).toBe(1);
    expect(last).not.toEqual(first);
  });

  it('replaces a refused token once for all processes', async () => {
    const boxes = fleet(12);
    const refused = await tokensOf(boxes);
    await runtime.advance(20_000);
    const replaced = await during(
      5_000,
      Promise.all(
        boxes.flatMap((box, index) =>
          Array.from({ length: 20 }, () => box.tokens.replace(refused[index] as AccessToken, {})),
        ),
      ),
    );
    expect(endpoint.received).toHaveLength(2);
    expect(new Set(replaced.map(({ value }) => value)).size).toBe(1);
    // A process that starts later gets the token of the others.
    const late = single();
    expect((await values([late])).has(refused[0]?.value ?? '')).toBe(false);
    expect(endpoint.received).toHaveLength(2);
  });

  it('takes the age of a token from the store, even if a clock is wrong', async () => {
    const minter = single();
    await tokensOf([minter]);
    await runtime.advance(HOUR / 2);
    const elsewhere = { ...runtimeOf(runtime), now: () => runtime.now() - 5 * HOUR };
    const reader = single({ runtime: elsewhere });
    await tokensOf([reader]);
    expect(endpoint.received).toHaveLength(1);
    await runtime.advance(HOUR / 2 - 10_000);
    expect(reader.provider.peekToken()).toBeUndefined();
  });

  it('adds the response time of the store to the age of a token', async () => {
    await tokensOf([single()]);
    const mintedAt = runtime.now() - 5_000;
    const { claim } = store;
    store.claim = async (...args) => {
      const claimed = await claim(...args);
      await new Promise<void>((resolve) => void runtime.schedule(resolve, 150));
      return claimed;
    };
    const reader = single();
    await tokensOf([reader]);
    await runtime.advance(mintedAt + HOUR - 5_000 - runtime.now());
    expect(endpoint.received).toHaveLength(1);
    expect(reader.provider.peekToken()).toBeUndefined();
  });

  it('takes no token that is about to expire', async () => {
    const minter = single();
    await tokensOf([minter]);
    await runtime.advance(HOUR - 4_000);
    await tokensOf(fleet(1));
    expect(endpoint.received).toHaveLength(2);
  });

  it('requests another token for a caller that needs more validity than the shared one has', async () => {
    const minter = single();
    await tokensOf([minter]);
    await runtime.advance(HOUR / 2);
    const reader = single();
    const token = await during(5_000, reader.provider.getToken({ minValidityMs: 40 * MINUTE }));
    expect(token.expiresAt).toBeGreaterThan(runtime.now() + 40 * MINUTE);
    expect(endpoint.received).toHaveLength(2);
  });

  it('ignores older tokens of the store after a flush', async () => {
    const [one, other] = [single(), single()];
    const before = await values([one, other]);
    await runtime.advance(MINUTE);
    one.provider.flush();
    const after = await values([one]);
    expect(after).not.toEqual(before);
    other.provider.flush();
    expect(await values([other])).not.toEqual(before);
  });

  it('does not share a revoked token', async () => {
    const one = single();
    const before = await values([one]);
    endpoint.script(() => new Response(null, { status: 200 }));
    await during(1_000, one.provider.revoke());
    expect(await values(fleet(1))).not.toEqual(before);
  });

  it('never shares a developer token', async () => {
    const box = single({ credentials: { developerToken: 'a-token' } });
    await tokensOf([box]);
    expect(store.commands).toBe(0);
  });

  it('keeps a token of unknown lifetime until it is refused', async () => {
    endpoint.lifetimeS = undefined;
    await tokensOf(fleet(1));
    await runtime.advance(100 * HOUR);
    await tokensOf(fleet(2));
    expect(endpoint.received).toHaveLength(1);
  });
});

describe('While one process requests the token', () => {
  it('the others wait, and take its token', async () => {
    let respond = (): void => undefined;
    endpoint.script(
      (request) =>
        new Promise((resolve) => {
          respond = () => resolve(endpoint.grant(request));
        }),
    );
    const given = Promise.all(fleet(6).map(({ provider }) => provider.getToken()));
    await runtime.advance(9_000);
    expect(endpoint.received).toHaveLength(1);
    respond();
    expect(new Set((await during(1_000, given)).map(({ value }) => value)).size).toBe(1);
    expect(endpoint.received).toHaveLength(1);
  });

  it('and is killed, another takes over within two seconds', async () => {
    endpoint.script(silence);
    const dying = single();
    const { claim } = store;
    const owners = new Set<string>();
    store.claim = (identity, request) => {
      owners.add(request.owner);
      return claim(identity, request);
    };
    dying.provider.getToken().catch(() => undefined);
    await settled();
    // A killed process does not extend its lease.
    store.claim = (identity, request) =>
      owners.has(request.owner) ? Promise.reject(new Error('dead')) : claim(identity, request);
    const other = single();
    await during(2_000, other.provider.getToken());
    expect(endpoint.received).toHaveLength(2);
  });

  it('and is shut down, another takes over at once', async () => {
    endpoint.script(silence);
    const [closing, other] = [single(), single()];
    closing.provider.getToken().catch(() => undefined);
    await settled();
    const given = other.provider.getToken();
    await settled();
    closing.close();
    await during(400, given);
    expect(endpoint.received).toHaveLength(2);
  });

  it('and fails, the others fail as well and send no request until the pause is over', async () => {
    endpoint.otherwise = refuse(endpoint, 429, 'rate_limit_exceeded', 'slow down', {
      'retry-after': '120',
    });
    const boxes = fleet(5, { tokenEndpoint: { attempts: 1 } });
    const errors = await Promise.all(
      boxes.map(({ provider }) =>
        during(
          1_000,
          thrownBy(() => provider.getToken()),
        ),
      ),
    );
    expect(errors.map(({ code }) => code).toSorted()).toEqual([
      'rate_limited',
      ...Array.from({ length: 4 }, () => 'unavailable'),
    ]);
    for (const error of errors) {
      expect(error.retryAfterMs).toBeGreaterThan(100_000);
      expect(error.retryAfterMs).toBeLessThanOrEqual(120_000);
    }
    await runtime.advance(100_000);
    await Promise.all(fleet(3).map(({ provider }) => thrownBy(() => provider.getToken())));
    expect(endpoint.received).toHaveLength(1);
    endpoint.otherwise = endpoint.grant;
    await runtime.advance(20_000);
    expect((await values(boxes)).size).toBe(1);
  });

  it('and its credentials are refused, processes with other credentials do not wait', async () => {
    endpoint.script(refuse(endpoint, 400, 'invalid_client', 'The client credentials are invalid'));
    const old = single();
    expect(
      (
        await during(
          100,
          thrownBy(() => old.provider.getToken()),
        )
      ).code,
    ).toBe('client_invalid');
    await during(100, single().provider.getToken());
    expect(endpoint.received).toHaveLength(2);
  });
});

describe('While the store is unavailable', () => {
  const failures: Record<string, () => Promise<never>> = {
    'it refuses connections': () => Promise.reject(new Error('ECONNREFUSED')),
    'it never responds': () => new Promise(() => undefined),
    'it throws': () => {
      throw new Error('client is closed');
    },
  };

  it.each(Object.entries(failures))(
    'because %s, each process requests its own token once',
    async (_, failure) => {
      store.failure = failure;
      const boxes = fleet(4);
      await tokensOf(boxes);
      expect(endpoint.received).toHaveLength(4);
      for (let call = 0; call < 50; call++) await tokensOf(boxes);
      expect(endpoint.received).toHaveLength(4);
    },
  );

  it('delays the first call by 200 ms, and no further call', async () => {
    runtime.randomValue = 0; // no random delay
    store.failure = () => new Promise(() => undefined);
    const box = single();
    await during(200, box.provider.getToken());
    const { commands } = store;
    await during(0, box.provider.getToken({ subject: alice }));
    expect(store.commands).toBe(commands);
  });

  it('emits one event, and another one when it recovers', async () => {
    const box = single();
    const events: string[] = [];
    box.events.subscribe((event) => {
      if (event.kind === 'store') events.push(event.state);
    });
    store.failure = () => Promise.reject(new Error('ECONNREFUSED'));
    for (let user = 1; user <= 20; user++) {
      await during(10_000, box.provider.getToken({ subject: { type: 'user', id: String(user) } }));
    }
    expect(events).toEqual(['away']);
    store.failure = undefined;
    await runtime.advance(MINUTE);
    await during(1_000, box.provider.getToken({ subject: alice }));
    expect(events).toEqual(['away', 'back']);
  });

  it('receives commands again within a second, even if many failed at once', async () => {
    const box = single();
    const events: string[] = [];
    box.events.subscribe((event) => {
      if (event.kind === 'store') events.push(event.state);
    });
    const user = (id: number) => ({ subject: { type: 'user', id: String(id) } as const });
    const thirty = Array.from({ length: 30 }, (_, index) => index + 1);
    store.failure = () => Promise.reject(new Error('ECONNREFUSED'));
    await during(999, Promise.all(thirty.map((id) => box.provider.getToken(user(id)))));
    store.failure = undefined;
    const { commands } = store;
    await during(0, box.provider.getToken(user(98)));
    await during(1_000, box.provider.getToken(user(99)));
    expect(store.commands).toBeGreaterThan(commands);
    expect(events).toEqual(['away', 'back']);
  });

  it('emits no recovery for the response to an earlier command', async () => {
    const box = single();
    const events: string[] = [];
    box.events.subscribe((event) => {
      if (event.kind === 'store') events.push(event.state);
    });
    const { claim } = store;
    store.claim = (...args) =>
      new Promise((resolve) => {
        runtime.schedule(() => resolve(claim(...args)), 150);
      });
    const early = box.provider.getToken();
    await settled();
    store.claim = () => Promise.reject(new Error('ECONNREFUSED'));
    await during(1_000, Promise.all([early, box.provider.getToken({ subject: alice })]));
    expect(events).toEqual(['away']);
  });

  it('emits no event if the process itself was blocked when the response arrived', async () => {
    const busyUntil = runtime.monotonic() + 1_000;
    const busy = {
      ...runtimeOf(runtime),
      schedule: (task: () => void, delayMs: number) =>
        runtime.schedule(task, Math.max(delayMs, busyUntil - runtime.monotonic())),
    };
    const { claim } = store;
    store.claim = (...args) => {
      store.claim = claim;
      return new Promise((resolve) => {
        runtime.schedule(() => resolve(claim(...args)), 1_010);
      });
    };
    const box = single({ runtime: busy });
    const events: string[] = [];
    box.events.subscribe((event) => {
      if (event.kind === 'store') events.push(event.state);
    });
    await tokensOf([box]);
    expect(events).toEqual([]);
  });

  it('shares tokens again when it recovers', async () => {
    store.failure = () => Promise.reject(new Error('ECONNREFUSED'));
    await tokensOf(fleet(3));
    expect(endpoint.received).toHaveLength(3);
    store.failure = undefined;
    const later = fleet(3);
    expect((await values(later)).size).toBe(1);
    expect(endpoint.received).toHaveLength(4);
  });

  it('fails no call, whichever command is the first to fail', async () => {
    for (let after = 0; after < 6; after++) {
      store = new FailingStore(runtime);
      const boxes = fleet(3);
      let commands = 0;
      const failure = () => Promise.reject(new Error('gone'));
      const { claim } = store;
      store.claim = (...args) => {
        if (commands++ >= after) store.failure = failure;
        return claim(...args);
      };
      expect((await tokensOf(boxes)).every(({ value }) => value !== '')).toBe(true);
    }
  });

  it('fails calls without a cached token if onStoreFailure is closed', async () => {
    store.failure = () => Promise.reject(new Error('ECONNREFUSED'));
    const box = single({ onStoreFailure: 'closed' });
    const error = await during(
      1_000,
      thrownBy(() => box.provider.getToken()),
    );
    expect(error.code).toBe('store_unavailable');
    expect(error.retryable).toBe(true);
    expect(endpoint.received).toEqual([]);
    store.failure = undefined;
    await runtime.advance(10_000);
    await tokensOf([box]);
    store.failure = () => Promise.reject(new Error('ECONNREFUSED'));
    expect((await values([box])).size).toBe(1);
  });

  it('does not hide the error of the token endpoint', async () => {
    store.failure = () => Promise.reject(new Error('ECONNREFUSED'));
    endpoint.otherwise = broken('ECONNRESET');
    const box = single({ tokenEndpoint: { attempts: 1 } });
    expect(
      (
        await during(
          1_000,
          thrownBy(() => box.provider.getToken()),
        )
      ).code,
    ).toBe('network');
  });
});

describe('A refused or revoked token', () => {
  it('is not taken from the store again, even if the store missed the invalidation', async () => {
    const box = single();
    const [first] = await tokensOf([box]);
    await runtime.advance(20_000);
    store.failure = () => Promise.reject(new Error('ECONNREFUSED'));
    endpoint.script(() => new Response(null, { status: 200 }));
    await during(1_000, box.provider.revoke());
    store.failure = undefined;
    await runtime.advance(MINUTE);
    const [second] = await tokensOf([box]);
    expect(second?.value).not.toBe(first?.value);
  });

  it('stays invalid after another token was requested without the store', async () => {
    const box = single();
    const [first] = await tokensOf([box]);
    store.failure = () => Promise.reject(new Error('ECONNREFUSED'));
    box.provider.invalidate(first as AccessToken);
    const [second] = await tokensOf([box]);
    store.failure = undefined;
    await runtime.advance(MINUTE);
    box.provider.invalidate(second as AccessToken);
    const [third] = await tokensOf([box]);
    expect(new Set([first?.value, second?.value, third?.value]).size).toBe(3);
  });
});

it('A process without a network does not delay the others', async () => {
  const sick = single({ fetch: broken('ECONNREFUSED'), tokenEndpoint: { attempts: 1 } });
  expect(
    (
      await during(
        1_000,
        thrownBy(() => sick.provider.getToken()),
      )
    ).code,
  ).toBe('network');
  await during(100, single().provider.getToken());
  expect(endpoint.received).toHaveLength(1);
});

describe('A faulty store', () => {
  const stored = { value: 'of-the-store', lifetimeMs: HOUR, expiresAt: undefined };
  const claims: Record<string, unknown> = {
    'the same token again, although only a newer one is accepted': {
      state: 'token',
      token: { ...stored, lifetimeMs: 1_000 },
      fence: 7,
      ageMs: 10 * HOUR,
    },
    'a token without a fence': { state: 'token', token: stored, ageMs: 0 },
    'an invalid token': {
      state: 'token',
      token: { ...stored, value: 'a\r\nb' },
      fence: 7,
      ageMs: 0,
    },
    'a token without a value': { state: 'token', fence: 7, ageMs: 0 },
    'an unknown state': { state: 'maybe' },
    nothing: undefined,
    null: null,
  };

  it.each(Object.entries(claims))('fails no call if it returns %s', async (_, claim) => {
    store.claim = () => Promise.resolve(claim as Claim);
    await during(1_000, single().provider.getToken());
    expect(endpoint.received).toHaveLength(1);
  });

  it('receives two claims if it returns one expired token after another', async () => {
    let fence = 0;
    store.claim = () =>
      Promise.resolve({ state: 'token', token: stored, fence: ++fence, ageMs: 10 * HOUR });
    await during(1_000, single().provider.getToken());
    expect(fence).toBe(2);
    expect(endpoint.received).toHaveLength(1);
  });

  it('delays a request for half a minute at most if it always reports a lease', async () => {
    store.claim = () => Promise.resolve({ state: 'leased' });
    await during(31_000, single().provider.getToken());
    expect(endpoint.received).toHaveLength(1);
  });

  it('cannot make a token live longer than its lifetime', async () => {
    store.claim = () =>
      Promise.resolve({ state: 'token', token: stored, fence: 7, ageMs: -5 * HOUR });
    const box = single();
    await during(0, box.provider.getToken());
    await runtime.advance(HOUR - 4_000);
    expect(box.provider.peekToken()).toBeUndefined();
  });

  it('cannot pause a process for longer than ten minutes', async () => {
    store.claim = () => Promise.resolve({ state: 'paused', forMs: 100 * HOUR, reason: 'why not' });
    const box = single();
    const error = await during(
      0,
      thrownBy(() => box.provider.getToken()),
    );
    expect(error.retryAfterMs).toBe(10 * MINUTE);
    store.claim = () => Promise.resolve({ state: 'claimed', fence: 1 });
    await runtime.advance(10 * MINUTE);
    await during(0, box.provider.getToken());
  });
});

describe('The options of a shared store', () => {
  it.each([
    ['store', { store: {} }],
    ['onStoreFailure', { onStoreFailure: 'ajar' }],
  ])('reject an invalid %s', async (name, options) => {
    const error = await thrownBy(() => fleet(1, options as Partial<BoxAuthOptions>));
    expect(error.code).toBe('option_invalid');
    expect(error.message).toContain(name);
  });
});

/** An object with the methods of `fake`, which are on its prototype and cannot be spread. */
function runtimeOf(fake: FakeRuntime) {
  return {
    now: fake.now,
    monotonic: fake.monotonic,
    random: fake.random,
    uniqueId: fake.uniqueId,
    schedule: fake.schedule.bind(fake),
  };
}

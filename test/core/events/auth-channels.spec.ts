import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { lastValueFrom } from 'rxjs';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import {
  type AuthEvent,
  type AuthEventSource,
  onAuthEvent,
  type StoreEvent,
  type TokenEvent,
} from 'nestjs-box-auth';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import type { BoxAuthOptions } from '../../../lib/box/box-auth.options.js';
import { publishEvent } from '../../../lib/core/events/auth-channels.js';
import { MemoryTokenStore } from '../../support/memory-token-store.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';
import { broken, refuse, ScriptedEndpoint, silence } from '../../support/scripted-endpoint.js';
import { thrownBy } from '../../support/thrown.js';

const CLIENT_ID = 'q1w2e3r4t5z6u7i8o9p0a1s2d3f4g5h6';
const CLIENT_SECRET = 'q9LmZx3VbN7tRw2KcY8pDf5GhJ4sAe6U';
const ENTERPRISE_ID = '7654321';
const USER_ID = '918273645';
const credentials = {
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  enterpriseId: ENTERPRISE_ID,
};
const KINDS = [
  'mint',
  'renewal',
  'forced-renewal',
  'stale-served',
  'tenant-unauthorized',
  'store',
  'clock-offset',
  'connection',
  'api-request',
] as const;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const START = Date.parse('2026-03-01T12:00:00Z');

let runtime: FakeRuntime;
let endpoint: ScriptedEndpoint;
let heard: (AuthEvent & AuthEventSource)[];
const stops: (() => void)[] = [];

beforeEach(() => {
  runtime = new FakeRuntime(START);
  runtime.randomValue = 0;
  endpoint = new ScriptedEndpoint(runtime);
  heard = [];
  for (const kind of KINDS) stops.push(onAuthEvent(kind, (event) => heard.push(event)));
});
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

function start(options: Partial<BoxAuthOptions> = {}, name?: string): BoxAuth {
  return new BoxAuth({ credentials, fetch: endpoint.fetch, runtime, ...options }, { name });
}

/** An answer that takes so long. */
const slow = (ms: number) => async (request: Parameters<typeof endpoint.grant>[0]) => {
  await new Promise<void>((resolve) => {
    runtime.schedule(resolve, ms);
  });
  return endpoint.grant(request);
};

const unavailable = () => refuse(endpoint, 503, 'unavailable', 'Unavailable');

describe('A mint event', () => {
  it('has its start, duration and outcome', async () => {
    const box = start();
    endpoint.script(slow(2 * SECOND));
    const asked = box.provider.getToken();
    await runtime.advance(2 * SECOND);
    const token = await asked;
    expect(heard).toEqual([
      {
        kind: 'mint',
        issuer: 'Box',
        app: undefined,
        subjectType: 'enterprise',
        isOwn: true,
        outcome: 'minted',
        startedAt: START,
        durationMs: 2 * SECOND,
        fingerprint: token.fingerprint,
        expiresAt: START + 60 * MINUTE,
        usableForMs: 60 * MINUTE - 2 * SECOND - 5 * SECOND,
      },
    ]);
  });

  it('is emitted once, however many callers wait', async () => {
    const box = start();
    await Promise.all(Array.from({ length: 100 }, () => box.provider.getToken()));
    expect(heard).toHaveLength(1);
  });

  it('is emitted before any caller receives the token', async () => {
    const box = start();
    const order: string[] = [];
    stops.push(onAuthEvent('mint', () => order.push('event')));
    await box.provider.getToken().then(() => order.push('caller'));
    expect(order).toEqual(['event', 'caller']);
  });

  it('has the name of the module and the subject type of a user', async () => {
    await start({}, 'hr').provider.getToken({ subject: { type: 'user', id: USER_ID } });
    expect(heard).toMatchObject([{ issuer: 'Box', app: 'hr', subjectType: 'user', isOwn: false }]);
  });

  it('has no expiry for a token without one, which is usable forever', async () => {
    endpoint.lifetimeS = undefined;
    await start().provider.getToken();
    expect(heard).toMatchObject([{ outcome: 'minted', usableForMs: Infinity }]);
    expect(heard[0]).not.toHaveProperty('expiresAt');
  });

  it('has the error and the duration of all attempts after a failure', async () => {
    endpoint.otherwise = unavailable();
    runtime.randomValue = 0.5;
    const asked = thrownBy(() => start().provider.getToken());
    await runtime.advance(MINUTE);
    const error = await asked;
    expect(heard).toEqual([
      {
        kind: 'mint',
        issuer: 'Box',
        app: undefined,
        subjectType: 'enterprise',
        isOwn: true,
        outcome: 'failed',
        startedAt: START,
        durationMs: 250 + 500 + 1_000,
        error,
        usableForMs: 0,
      },
    ]);
    expect(error).toMatchObject({ code: 'unavailable', status: 503 });
  });

  it('has no subject type if the credentials function fails', async () => {
    const box = start({ credentials: () => Promise.reject(new Error('the vault is sealed')) });
    await thrownBy(() => box.provider.getToken());
    expect(heard).toMatchObject([
      {
        outcome: 'failed',
        subjectType: undefined,
        error: { code: 'credentials_unavailable' },
      },
    ]);
  });

  it('is not emitted again while a failure is remembered', async () => {
    endpoint.otherwise = unavailable();
    const box = start({ tokenEndpoint: { attempts: 1 } });
    await thrownBy(() => box.provider.getToken());
    await thrownBy(() => box.provider.getToken());
    expect(heard).toHaveLength(1);
  });

  it('is `shared` if another process has the token already', async () => {
    const store = new MemoryTokenStore(runtime);
    const token = await start({ store }, 'first').provider.getToken();
    await start({ store }, 'second').provider.getToken();
    expect(heard).toMatchObject([
      { app: 'first', outcome: 'minted' },
      {
        app: 'second',
        kind: 'mint',
        outcome: 'shared',
        fingerprint: token.fingerprint,
        expiresAt: token.expiresAt,
        usableForMs: 60 * MINUTE - 5 * SECOND,
      },
    ]);
  });
});

describe('A renewal event', () => {
  it('has the new token', async () => {
    const box = start();
    const old = await box.provider.getToken();
    await runtime.advance(50 * MINUTE);
    await box.provider.getToken();
    await settled();
    const renewed = await box.provider.getToken();
    expect(heard.slice(1)).toMatchObject([
      {
        kind: 'renewal',
        outcome: 'minted',
        startedAt: START + 50 * MINUTE,
        fingerprint: renewed.fingerprint,
      },
    ]);
    expect(renewed.fingerprint).not.toBe(old.fingerprint);
  });

  it('has the remaining time of the current token after a failure', async () => {
    const box = start({ tokenEndpoint: { attempts: 1 } });
    await box.provider.getToken();
    endpoint.otherwise = unavailable();
    await runtime.advance(50 * MINUTE);
    await box.provider.getToken();
    await settled();
    expect(heard.slice(1)).toMatchObject([
      {
        kind: 'renewal',
        outcome: 'failed',
        error: { code: 'unavailable' },
        usableForMs: 10 * MINUTE - 5 * SECOND,
      },
    ]);
    expect(heard[1]).not.toHaveProperty('fingerprint');
  });

  it('is `forced-renewal` if the current token was refused', async () => {
    const box = start();
    box.provider.invalidate(await box.provider.getToken());
    const next = await box.provider.getToken();
    expect(heard.slice(1)).toMatchObject([
      { kind: 'forced-renewal', outcome: 'minted', fingerprint: next.fingerprint },
    ]);
  });

  it('has no usable token after a failed forced renewal', async () => {
    const box = start({ tokenEndpoint: { attempts: 1 } });
    box.provider.invalidate(await box.provider.getToken());
    endpoint.otherwise = broken('ECONNRESET');
    await thrownBy(() => box.provider.getToken());
    expect(heard.slice(1)).toMatchObject([
      { kind: 'forced-renewal', outcome: 'failed', error: { code: 'network' }, usableForMs: 0 },
    ]);
  });
});

it('Listeners receive events also if they subscribe after a garbage collection', async () => {
  setFlagsFromString('--expose-gc');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what Node puts there by that flag
  const collectGarbage = runInNewContext('gc') as () => void;
  for (const stop of stops.splice(0)) stop();
  await start().provider.getToken(); // told to nobody
  await settled();
  collectGarbage();
  stops.push(onAuthEvent('mint', (event) => heard.push(event)));
  await settled();
  await start().provider.getToken();
  expect(heard).toHaveLength(1);
});

describe('An event is emitted', () => {
  it('when a waiting caller receives the current token', async () => {
    const box = start({ tokenEndpoint: { attempts: 1 } });
    const old = await box.provider.getToken();
    endpoint.otherwise = unavailable();
    await runtime.advance(59 * MINUTE);
    expect(await box.provider.getToken()).toBe(old);
    expect(heard.slice(1)).toEqual([
      expect.objectContaining({ kind: 'renewal', outcome: 'failed' }),
      {
        kind: 'stale-served',
        issuer: 'Box',
        app: undefined,
        subjectType: 'enterprise',
        isOwn: true,
        fingerprint: old.fingerprint,
        usableForMs: 55 * SECOND,
      },
    ]);
  });

  it('when a waiting caller receives the current token of a user', async () => {
    const subject = { type: 'user', id: USER_ID } as const;
    const box = start({ tokenEndpoint: { attempts: 1 } });
    await box.provider.getToken({ subject });
    endpoint.otherwise = unavailable();
    await runtime.advance(59 * MINUTE);
    await box.provider.getToken({ subject });
    expect(heard.at(-1)).toMatchObject({
      kind: 'stale-served',
      subjectType: 'user',
      isOwn: false,
    });
  });

  it("when the offset of the issuer's clock changes, once", async () => {
    endpoint.skewMs = 5 * MINUTE;
    const box = start();
    await box.provider.getToken({ subject: { type: 'user', id: USER_ID } });
    await box.provider.getToken();
    const clock = { kind: 'clock-offset', issuer: 'Box', app: undefined };
    expect(heard.filter(({ kind }) => kind === 'clock-offset')).toEqual([
      { ...clock, offsetMs: 5 * MINUTE + 500, previousOffsetMs: 0 },
    ]);
    endpoint.skewMs = -MINUTE;
    await box.provider.getToken({ subject: { type: 'user', id: '2' } });
    expect(heard.filter(({ kind }) => kind === 'clock-offset').slice(1)).toEqual([
      { ...clock, offsetMs: -MINUTE + 500, previousOffsetMs: 5 * MINUTE + 500 },
    ]);
  });

  it('when the store becomes unavailable and when it recovers, once each', async () => {
    const store = new MemoryTokenStore(runtime);
    const claim = store.claim.bind(store);
    store.claim = () => Promise.reject(new Error('ECONNREFUSED at redis://me:secret@host'));
    const box = start({ store });
    const ofUser = (id: string) => box.provider.getToken({ subject: { type: 'user', id } });
    await Promise.all([ofUser('1'), ofUser('2'), runtime.advance(SECOND)]);
    store.claim = claim;
    await runtime.advance(MINUTE);
    await ofUser('3');
    const told = heard.filter(({ kind }) => kind === 'store');
    expect(told).toEqual([
      { kind: 'store', issuer: 'Box', app: undefined, state: 'away', cause: expect.any(Error) },
      { kind: 'store', issuer: 'Box', app: undefined, state: 'back' },
    ]);
    expect(inspect(told)).not.toContain('me:secret');
  });
});

describe('No event contains a token, a secret or an id', () => {
  /** Whatever a listener could make of an event. */
  function expectNothingPrivate(events: readonly unknown[]): void {
    const shown = events.flatMap((event) => [
      inspect(event, { depth: Infinity, showHidden: true, getters: true }),
      JSON.stringify(event),
    ]);
    const minted = endpoint.received.map((_, index) => `token-${index + 1}-`);
    for (const text of shown) {
      for (const secret of [CLIENT_ID, CLIENT_SECRET, ENTERPRISE_ID, USER_ID, ...minted]) {
        expect(text).not.toContain(secret);
      }
    }
  }

  it('without failures, for the app and for a user', async () => {
    endpoint.skewMs = 5 * MINUTE;
    const box = start({ store: new MemoryTokenStore(runtime) });
    const user = await box.provider.getToken({ subject: { type: 'user', id: USER_ID } });
    box.provider.invalidate(user);
    await box.provider.getToken({ subject: { type: 'user', id: USER_ID } });
    await box.provider.getToken();
    await runtime.advance(50 * MINUTE);
    await box.provider.getToken();
    await settled();
    expect(new Set(heard.map(({ kind }) => kind))).toEqual(
      new Set(['mint', 'renewal', 'forced-renewal', 'clock-offset']),
    );
    expectNothingPrivate(heard);
  });

  it.each([
    ['a refusal', () => refuse(endpoint, 400, 'unauthorized_client', 'This app is not authorized')],
    [
      'an error response that repeats every secret',
      () =>
        refuse(
          endpoint,
          400,
          'invalid_client',
          `client_secret=${CLIENT_SECRET} of ${CLIENT_ID}: bearer token-1-x`,
        ),
    ],
    ['an outage', unavailable],
    ['a network that fails', () => broken('ENOTFOUND')],
    ['silence', () => silence],
    ['an answer that makes no sense', () => () => new Response(`<p>${CLIENT_SECRET}</p>`)],
  ])('after %s', async (_, trouble) => {
    endpoint.otherwise = trouble();
    const box = start();
    const asked = [
      thrownBy(() => box.provider.getToken()),
      thrownBy(() => box.provider.getToken({ subject: { type: 'user', id: USER_ID } })),
    ];
    await runtime.advance(MINUTE);
    await Promise.all(asked);
    expect(heard).toMatchObject([
      { kind: 'mint', outcome: 'failed' },
      { kind: 'mint', outcome: 'failed' },
    ]);
    expectNothingPrivate(heard);
  });
});

describe('A listener', () => {
  it.each(KINDS)('can subscribe without this package, on nestjs-box-auth:%s', async (kind) => {
    const seen: unknown[] = [];
    const listen = (message: unknown, name: string | symbol) => seen.push([name, message]);
    subscribe(`nestjs-box-auth:${kind}`, listen);
    stops.push(() => void unsubscribe(`nestjs-box-auth:${kind}`, listen));
    await everythingHappens();
    const told = heard.filter((event) => event.kind === kind);
    expect(told.length).toBeGreaterThan(0);
    expect(seen).toEqual(told.map((event) => [`nestjs-box-auth:${kind}`, event]));
  });

  it('receives one kind of event until it is stopped', async () => {
    const seen: 'renewal'[] = [];
    const stop = onAuthEvent('renewal', (event) => {
      expectTypeOf(event).toExtend<TokenEvent & AuthEventSource>();
      seen.push(event.kind);
    });
    onAuthEvent('store', (event) => expectTypeOf(event).toExtend<StoreEvent>())();
    await everythingHappens();
    expect(new Set(seen)).toEqual(new Set(['renewal']));
    const { length } = seen;
    stop();
    stop();
    await everythingHappens();
    expect(seen).toHaveLength(length);
  });

  it.each(['birth', 'toString', '', undefined])('is rejected for the kind %j', async (kind) => {
    const refusal = await thrownBy(() => onAuthEvent(kind as 'mint', () => undefined));
    expect(refusal).toMatchObject({
      code: 'option_invalid',
      message: `Invalid \`kind\` of onAuthEvent: expected one of ${KINDS.join(', ')}.`,
    });
    // @ts-expect-error -- there is no such kind
    expect(() => onAuthEvent('birth', () => undefined)).toThrow('Invalid `kind`');
  });

  it.each([undefined, null, 'mint', {}])('is rejected if it is %j', async (listener) => {
    const refusal = await thrownBy(() => onAuthEvent('mint', listener as () => void));
    expect(refusal).toMatchObject({
      code: 'option_invalid',
      message: 'Invalid `listener` of onAuthEvent: expected a function.',
    });
  });

  it('leaves the channel unchanged when it stops', () => {
    for (const stop of stops.splice(0)) stop();
    expect(KINDS.map((kind) => channel(`nestjs-box-auth:${kind}`).hasSubscribers)).toEqual(
      KINDS.map(() => false),
    );
  });

  it('does not affect callers when it throws: Node emits an uncaughtException', async () => {
    const caught: unknown[] = [];
    process.setUncaughtExceptionCaptureCallback((error) => caught.push(error));
    try {
      stops.push(
        onAuthEvent('mint', () => {
          throw new Error('a listener of somebody');
        }),
      );
      const box = start();
      box.events.subscribe(() => {
        throw new Error('a log of somebody');
      });
      const seen: AuthEvent[] = [];
      box.events.subscribe((event) => seen.push(event));
      const token = await box.provider.getToken();
      expect(box.provider.peekToken()).toBe(token);
      await new Promise((resolve) => {
        setTimeout(resolve); // RxJS tells the process in a timer
      });
      expect(caught.map(String)).toEqual([
        'Error: a listener of somebody',
        'Error: a log of somebody',
      ]);
      expect(seen).toHaveLength(1);
      expect(heard).toHaveLength(1);
    } finally {
      process.setUncaughtExceptionCaptureCallback(null);
    }
  });
});

describe('After close', () => {
  it.each([
    ['answered', () => slow(SECOND)],
    [
      'refused',
      () => async (request: Parameters<typeof endpoint.grant>[0]) => {
        await slow(SECOND)(request);
        return unavailable()();
      },
    ],
  ])('no event is emitted for a pending token request that is %s', async (_, answer) => {
    const box = start();
    endpoint.script(answer());
    const asked = thrownBy(() => box.provider.getToken());
    await settled();
    box.close();
    await runtime.advance(MINUTE);
    expect((await asked).code).toBe('closed');
    expect(heard).toEqual([]);
  });

  it('no event is emitted for a clock offset', async () => {
    const box = start();
    endpoint.skewMs = 5 * MINUTE;
    endpoint.script(slow(SECOND));
    const asked = thrownBy(() => box.provider.getToken());
    await settled();
    box.close();
    await runtime.advance(MINUTE);
    await asked;
    expect(heard).toEqual([]);
  });

  it('no event is emitted for an unavailable store, and the events of the app complete', async () => {
    const store = new MemoryTokenStore(runtime);
    const box = start({ store });
    endpoint.script(silence);
    const asked = thrownBy(() => box.provider.getToken());
    await settled();
    store.fail = () => Promise.reject(new Error('away'));
    const over = lastValueFrom(box.events, { defaultValue: 'over' });
    box.close();
    await runtime.advance(MINUTE);
    await asked;
    expect(heard).toEqual([]);
    expect(await over).toBe('over');
  });

  it('no event is emitted for later calls', async () => {
    const box = start();
    box.close();
    expect((await thrownBy(() => box.provider.getToken())).code).toBe('closed');
    expect(heard).toEqual([]);
  });
});

/** Every kind of event, of an app of its own. */
async function everythingHappens(): Promise<void> {
  endpoint.otherwise = refuse(endpoint, 400, 'unauthorized_client', 'The app is not authorized.');
  const subject = { type: 'enterprise', id: '987' } as const;
  const refused = thrownBy(() => start().provider.getToken({ subject }));
  await runtime.advance(SECOND);
  await refused;
  const store = new MemoryTokenStore(runtime);
  const claim = store.claim.bind(store);
  endpoint.otherwise = endpoint.grant;
  endpoint.skewMs = 5 * MINUTE;
  const box = start({ store, tokenEndpoint: { attempts: 1 } });
  const old = await box.provider.getToken();
  await runtime.advance(15 * SECOND);
  box.provider.invalidate(old);
  await box.provider.getToken();
  await runtime.advance(59 * MINUTE);
  store.claim = () => Promise.reject(new Error('away'));
  endpoint.otherwise = unavailable();
  const asked = box.provider.getToken();
  await runtime.advance(SECOND);
  await asked;
  store.claim = claim;
  endpoint.otherwise = endpoint.grant;
  const next = box.provider.getToken();
  await runtime.advance(10 * SECOND);
  await next;
  await box.fetch('/2.0/users/me');
  box.close();
  // Needs no app: test/box/connections has the events of a real connection.
  publishEvent({ kind: 'connection', change: 'connected' }, { issuer: 'Box', app: undefined });
}

import type { AccessToken } from 'nestjs-box-auth';
import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import type { BoxAuthOptions } from '../../../lib/box/box-auth.options.js';
import { MemoryTokenStore } from '../../support/memory-token-store.js';
import { deferred } from '../../support/deferred.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';
import { makeKeys } from '../../support/keys.js';
import { refuse, ScriptedEndpoint, silence } from '../../support/scripted-endpoint.js';

const HOUR = 3_600_000;
const credentials = { clientId: 'client', clientSecret: 'client-secret', enterpriseId: '1' };
const keys = makeKeys();

let runtime: FakeRuntime;
let endpoint: ScriptedEndpoint;
beforeEach(() => {
  runtime = new FakeRuntime();
  endpoint = new ScriptedEndpoint(runtime);
});

const box = (options: Partial<BoxAuthOptions> = {}) =>
  new BoxAuth({
    credentials,
    fetch: endpoint.fetch,
    runtime,
    tokenEndpoint: { attempts: 1 },
    ...options,
  });

/** The outcome of a promise so far. */
function watch<T>(promise: Promise<T>): { value?: T; error?: unknown } {
  const watched: { value?: T; error?: unknown } = {};
  promise.then(
    (value) => (watched.value = value),
    (error: unknown) => (watched.error = error),
  );
  return watched;
}

/** Signing takes real time in another thread, while the time of the runtime stands still. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await settled();
}

/** A response that is written when the request arrives, and read when `arrived` resolves. */
const granted = (value: string, arrived: Promise<void>) => async () => {
  const written = endpoint.json(200, { access_token: value, expires_in: 3600 });
  await arrived;
  return written;
};

const valueOf = ({ value }: { value?: AccessToken }) => value?.value;

describe.each([
  ['stopped', (ms: number) => runtime.freeze(ms)],
  ['suspended with its machine', (ms: number) => runtime.sleep(ms)],
])('A process that is %s for 45 s during a token request', (_, freeze) => {
  it('starts the request again, and its callers get the token', async () => {
    endpoint.script(silence);
    const caller = watch(box().provider.getToken());
    await runtime.advance(1_200);
    freeze(45_000);
    await runtime.advance(2_500);
    expect(caller).toEqual({ value: expect.anything() });
    expect(endpoint.received).toHaveLength(2);
    expect(endpoint.received[0]?.init.signal?.aborted).toBe(true);
    expect(endpoint.inFlight).toBe(0);
  });

  it('uses a response that arrived meanwhile', async () => {
    const response = deferred();
    endpoint.script(granted('arrived', response.promise));
    const caller = watch(box().provider.getToken());
    await runtime.advance(9_900);
    freeze(45_000);
    await runtime.advance(0);
    await runtime.advance(900);
    response.resolve();
    await settled();
    expect(valueOf(caller)).toBe('arrived');
    expect(endpoint.received).toHaveLength(1);
  });

  it('returns the current token to every caller, before and after', async () => {
    const { provider } = box();
    const current = await provider.getToken();
    await runtime.advance(HOUR - 500_000);
    endpoint.script(silence);
    expect(await provider.getToken()).toBe(current);
    await runtime.advance(1_200);
    expect(endpoint.received).toHaveLength(2);
    freeze(45_000);
    expect(await provider.getToken()).toBe(current);
    await runtime.advance(2_500);
    expect((await provider.getToken()).value).not.toBe(current.value);
    expect(endpoint.received).toHaveLength(3);
  });

  it('lets no later caller wait for the lost request', async () => {
    endpoint.script(silence);
    const { provider } = box();
    watch(provider.getToken());
    await runtime.advance(1_200);
    freeze(45_000);
    const later = watch(provider.getToken());
    await runtime.advance(2_500);
    expect(later).toEqual({ value: expect.anything() });
  });

  it('signs a new assertion with the current time', async () => {
    endpoint.script(silence);
    const { provider } = box({
      credentials: {
        clientId: 'client',
        clientSecret: 'client-secret',
        enterpriseId: '1',
        publicKeyId: 'abc12345',
        privateKey: keys.forms['plain PKCS#8'],
      },
    });
    const caller = watch(provider.getToken());
    await until(() => endpoint.received.length === 1);
    await runtime.advance(1_200);
    freeze(45_000);
    await runtime.advance(2_500);
    await until(() => caller.value !== undefined);
    const [first = {}, second = {}] = endpoint.received.map(({ form }) =>
      decodeJwt(form.get('assertion') ?? ''),
    );
    expect(second.jti).not.toBe(first.jti);
    expect((second.exp ?? 0) - (first.exp ?? 0)).toBeGreaterThanOrEqual(45);
  });

  it('does not learn the clock of the issuer from a response that waited meanwhile', async () => {
    const response = deferred();
    endpoint.script(granted('arrived', response.promise));
    const caller = watch(box().provider.getToken());
    await settled();
    const expiresAt = runtime.now() + HOUR;
    freeze(45_000);
    response.resolve();
    await settled();
    expect(caller.value?.expiresAt).toBe(expiresAt);
  });

  it('keeps the deadline for the attempts that follow', async () => {
    endpoint.script(silence, refuse(endpoint, 503, 'unavailable', 'Unavailable'));
    const caller = watch(box({ tokenEndpoint: {} }).provider.getToken());
    await runtime.advance(1_200);
    freeze(45_000);
    await runtime.advance(4_000);
    expect(caller).toEqual({ value: expect.anything() });
    expect(endpoint.received).toHaveLength(3);
  });

  it('calls a signer and a credentials function again', async () => {
    let signed = 0;
    let read = 0;
    const never = new Promise<never>(() => undefined);
    const { provider } = box({
      credentials: () =>
        read++ === 0
          ? never
          : {
              clientId: 'client',
              clientSecret: 'client-secret',
              enterpriseId: '1',
              publicKeyId: 'abc12345',
              sign: () => (signed++ === 0 ? never : new Uint8Array(256)),
            },
    });
    const caller = watch(provider.getToken());
    for (let freezes = 0; freezes < 2; freezes++) {
      await runtime.advance(1_200);
      freeze(45_000);
      await runtime.advance(2_500);
    }
    expect(caller).toEqual({ value: expect.anything() });
    expect({ read, signed }).toEqual({ read: 2, signed: 2 });
  });

  it('does not consider its store unavailable', async () => {
    const response = deferred();
    class SlowStore extends MemoryTokenStore {
      override async claim(...args: Parameters<MemoryTokenStore['claim']>) {
        await response.promise;
        return await super.claim(...args);
      }
    }
    const app = box({ store: new SlowStore(runtime), onStoreFailure: 'closed' });
    const caller = watch(app.provider.getToken());
    await runtime.advance(190);
    freeze(45_000);
    await runtime.advance(20);
    response.resolve();
    await settled();
    expect(caller).toEqual({ value: expect.anything() });
  });
});

describe('A process that is frozen repeatedly', () => {
  it('ends with a timeout if the token endpoint never responds', async () => {
    endpoint.otherwise = silence;
    const caller = watch(box().provider.getToken());
    for (let freezes = 0; freezes < 40; freezes++) {
      await runtime.advance(2_100);
      runtime.freeze(45_000);
    }
    expect(caller).toMatchObject({ error: { code: 'timeout' } });
    expect(endpoint.received.length).toBeLessThanOrEqual(30);
  });
});

describe('A process that waits for the token of another', () => {
  it('uses that token after a freeze, and requests none', async () => {
    const store = new MemoryTokenStore(runtime);
    const response = deferred();
    endpoint.script(granted('shared', response.promise));
    const minting = watch(box({ store }).provider.getToken());
    await settled();
    const waiting = watch(box({ store }).provider.getToken());
    await runtime.advance(1_000);
    runtime.freeze(45_000);
    response.resolve();
    await settled();
    await runtime.advance(1_000);
    expect([valueOf(minting), valueOf(waiting)]).toEqual(['shared', 'shared']);
    expect(endpoint.received).toHaveLength(1);
  });
});

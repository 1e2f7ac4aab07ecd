import { BoxAuthError, onAuthEvent } from 'nestjs-box-auth';
import type { ConnectionVault } from 'nestjs-box-auth/connections';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { ALICE, BOB, ConnectedBox, outcome, whoAmI } from '../../support/box-connections.js';
import { deferred } from '../../support/deferred.js';
import { boxGetters } from '../../support/box-clients.js';

const HOUR_MS = 3_600_000;

let box: ConnectedBox;
let loads: number;
beforeEach(async () => {
  box = await ConnectedBox.start();
  await box.connect();
  loads = 0;
  const load = box.vault.load.bind(box.vault);
  box.vault.load = (key) => {
    loads += 1;
    return load(key);
  };
});
afterEach(() => box.stop());

/** Makes a method of the vault fail until the returned function is called. */
function failing(method: keyof ConnectionVault): () => void {
  const original: unknown = Reflect.get(box.vault, method);
  Reflect.set(box.vault, method, () => Promise.reject(new Error(`no ${method} now`)));
  return () => void Reflect.set(box.vault, method, original);
}

const refreshes = () =>
  box.emulator.tokenRequests.filter(({ body }) => body?.['grant_type'] === 'refresh_token').length;

describe('getToken', () => {
  it('reads the vault once, and then uses the memory', async () => {
    const first = await box.connections.getToken('ann');
    const again = await Promise.all(
      Array.from({ length: 20 }, () => box.connections.getToken('ann')),
    );
    expect(first.subject).toEqual({ type: 'user', id: ALICE });
    expect(new Set(again.map(({ value }) => value))).toEqual(new Set([first.value]));
    expect(loads).toBe(1);
    expect(refreshes()).toBe(0);
  });

  it('refreshes an expired token once for all callers and processes', async () => {
    const processes = [box.connections, box.open(), box.open(), box.open()];
    box.runtime.freeze(2 * HOUR_MS);
    const tokens = box.advanceUntil(
      Promise.all(processes.flatMap((each) => [1, 2, 3].map(() => each.getToken('ann')))),
    );
    expect(new Set((await tokens).map(({ value }) => value)).size).toBe(1);
    expect(refreshes()).toBe(1);
  });

  it('refreshes in the background before the token expires, and no caller waits', async () => {
    const first = await box.connections.getToken('ann');
    box.runtime.freeze(HOUR_MS - 5 * 60_000);
    expect((await box.connections.getToken('ann')).value).toBe(first.value);
    await expect.poll(() => refreshes()).toBe(1);
    const current = async () => (await box.connections.getToken('ann')).value;
    await expect.poll(current).not.toBe(first.value);
  });

  it('serves the token in memory while Box or the vault is unavailable', async () => {
    const first = await box.connections.getToken('ann');
    const heal = failing('load');
    box.runtime.freeze(HOUR_MS - 5 * 60_000);
    for (let calls = 0; calls < 5; calls++) {
      expect((await box.connections.getToken('ann')).value).toBe(first.value);
      await box.runtime.advance(1_000);
    }
    box.runtime.freeze(4 * 60_000 + 54_000);
    expect(await outcome(box.advanceUntil(box.connections.getToken('ann')))).toBe(
      'vault_unavailable',
    );
    heal();
    await box.runtime.advance(60_000);
    expect((await box.advanceUntil(box.connections.getToken('ann'))).value).not.toBe(first.value);
  });

  it('fails with connection_missing without a connection, and finds one that another process makes', async () => {
    expect(await outcome(box.connections.getToken('eve'))).toBe('connection_missing');
    const other = box.open();
    const eve = { owner: 'eve', binding: 'the session of eve' };
    const query = box.emulator.consent(await other.authorizationUrl(eve), { userId: BOB });
    await other.complete({ ...eve, query });
    expect(await whoAmI(box.connections, 'eve')).toBe(BOB);
  });

  it('fails with reauthorization_required after Box has ended the connection, and sends the dead token once', async () => {
    const lost: unknown[] = [];
    const stop = onAuthEvent('connection', (event) => lost.push(event));
    box.emulator.revokeUserConnection(ALICE);
    box.runtime.freeze(2 * HOUR_MS);
    const processes = [box.connections, box.open(), box.open()];
    const all = processes.map((each) => outcome(box.advanceUntil(each.getToken('ann'))));
    expect(new Set(await Promise.all(all))).toEqual(new Set(['reauthorization_required']));
    for (const each of processes) {
      expect(await outcome(box.advanceUntil(each.getToken('ann')))).toBe(
        'reauthorization_required',
      );
    }
    stop();
    expect(refreshes()).toBe(1);
    expect(lost).toEqual([
      {
        issuer: 'Box',
        app: undefined,
        kind: 'connection',
        change: 'lost',
        error: expect.any(BoxAuthError),
      },
    ]);
    expect(await box.connections.get('ann')).toMatchObject({ status: 'reauthorization_required' });
    await box.connect();
    for (const each of processes) expect(await whoAmI(each)).toBe(ALICE);
  });

  it('replaces a refused token by the one in the vault, without a refresh of its own', async () => {
    const other = box.open();
    await other.getToken('ann');
    await box.connections.getToken('ann');
    // Only Box considers the token expired. The other process refreshes it.
    box.emulator.clockSkewMs = 2 * HOUR_MS;
    expect(await whoAmI(other)).toBe(ALICE);
    expect(await whoAmI(box.connections)).toBe(ALICE);
    expect(refreshes()).toBe(1);
  });

  it('takes the token of another process, also right after it has replaced a refused one', async () => {
    await box.connections.getToken('ann');
    // Only Box considers the tokens expired, twice within 10 s.
    box.emulator.clockSkewMs = 2 * HOUR_MS;
    expect(await whoAmI(box.connections)).toBe(ALICE);
    box.emulator.clockSkewMs = 4 * HOUR_MS;
    expect(await whoAmI(box.open())).toBe(ALICE);
    expect(await whoAmI(box.connections)).toBe(ALICE);
    expect(refreshes()).toBe(2);
  });

  it.each([
    ['owner_invalid', ''],
    ['owner_invalid', null],
  ])('fails with %s for the owner %j', async (code, owner) => {
    expect(await outcome(box.connections.getToken(owner as string))).toBe(code);
  });

  it('ends the wait of a caller who aborts', async () => {
    box.runtime.freeze(2 * HOUR_MS);
    box.emulator.always('token', { kind: 'hang' });
    const reason = new Error('enough');
    expect(
      await outcome(box.connections.getToken('ann', { signal: AbortSignal.abort(reason) })),
    ).toBe(reason);
    const controller = new AbortController();
    const waiting = outcome(box.connections.getToken('ann', { signal: controller.signal }));
    await expect.poll(() => refreshes()).toBe(1);
    controller.abort(reason);
    expect(await waiting).toBe(reason);
    box.emulator.heal('token');
  });

  it('a loop of failing calls does not block the event loop', async () => {
    const done = new AbortController();
    let rounds = 0;
    const loop = async () => {
      while (!done.signal.aborted) {
        rounds += 1;
        await outcome(box.connections.getToken('nobody'));
      }
    };
    const looping = loop();
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    done.abort();
    await box.advanceUntil(looping);
    expect(rounds).toBeLessThan(100);
  });
});

describe('An unwritten pair', () => {
  it('is not used before the vault has it, and is written as soon as the vault is back', async () => {
    box.runtime.freeze(2 * HOUR_MS);
    const heal = failing('replace');
    expect(await outcome(box.advanceUntil(box.connections.getToken('ann')))).toBe(
      'vault_unavailable',
    );
    expect(refreshes()).toBe(1);
    const before = await box.connections.get('ann');
    heal();
    await box.runtime.advance(60_000);
    const written = async () => (await box.connections.get('ann'))?.refreshedAt;
    await expect.poll(written).not.toBe(before?.refreshedAt);
    // Another process needs no refresh.
    expect(await whoAmI(box.open())).toBe(ALICE);
    expect(refreshes()).toBe(1);
  });

  it('is written when the app closes', async () => {
    box.runtime.freeze(2 * HOUR_MS);
    const heal = failing('replace');
    await outcome(box.advanceUntil(box.connections.getToken('ann')));
    heal();
    await box.advanceUntil(box.connections.close());
    expect(await whoAmI(box.open())).toBe(ALICE);
    expect(refreshes()).toBe(1);
  });

  it('is written although the app closes while Box responds', async () => {
    box.runtime.freeze(2 * HOUR_MS);
    box.emulator.refreshGrace = false;
    const response = deferred();
    box.emulator.failNext('token', { kind: 'hold', until: response.promise });
    const call = outcome(box.connections.getToken('ann'));
    await expect.poll(() => refreshes()).toBe(1);
    const closed = box.connections.close();
    expect(await call).toBe('closed');
    response.resolve();
    await box.advanceUntil(closed);
    expect(await whoAmI(box.open())).toBe(ALICE);
    expect(refreshes()).toBe(1);
  });

  it('does not delay close for more than 5 s', async () => {
    box.runtime.freeze(2 * HOUR_MS);
    failing('replace');
    await outcome(box.advanceUntil(box.connections.getToken('ann')));
    Reflect.set(box.vault, 'load', () => new Promise(() => undefined));
    const startedAt = box.runtime.now();
    await box.advanceUntil(box.connections.close());
    expect(box.runtime.now() - startedAt).toBeLessThanOrEqual(5_500);
  });
});

describe('apiRetries', () => {
  it('repeat a limited call, and meanwhile only the calls of the same connection wait', async () => {
    await box.connect({ owner: 'ben', binding: 'the session of ben' }, BOB);
    const retrying = box.open({ apiRetries: true });
    box.emulator.failNext('api', { kind: 'rate-limit', retryAfter: 30 });
    const order: string[] = [];
    const call = (owner: string) => whoAmI(retrying, owner).then(() => order.push(owner));
    const limited = call('ann');
    await expect.poll(() => box.emulator.apiRequests.at(-1)?.status).toBe(429);
    await box.advanceUntil(Promise.all([limited, call('ann'), call('ben')]));
    expect(order).toEqual(['ben', 'ann', 'ann']);
  });
});

describe('After close', () => {
  it('calls fail with closed', async () => {
    await box.connections.getToken('ann');
    await box.connections.close();
    expect(await outcome(box.connections.getToken('ann'))).toBe('closed');
    expect(await outcome(whoAmI(box.connections))).toBe('closed');
    await box.connections.close();
  });
});

describe('runAs', () => {
  let app: BoxAuth;
  beforeEach(() => {
    app = new BoxAuth({
      credentials: { config: box.emulator.config },
      apiUrl: box.emulator.url,
      runtime: box.runtime,
    });
  });
  afterEach(() => app.close());

  it.each(Object.entries(boxGetters))(
    'makes the calls of %s with the token of the person',
    async (_, open) => {
      const client = open(app);
      const url = `${box.emulator.url}/2.0/users/me`;
      box.emulator.clearRequests();
      await box.connections.runAs('ann', () => client.get(url));
      await client.get(url);
      await client.close?.();
      const token = await box.connections.getToken('ann');
      expect(authorizations()).toEqual([
        `Bearer ${token.value}`,
        expect.not.stringContaining(token.value),
      ]);
    },
  );

  it.each(Object.entries(boxGetters))('replaces a refused token of %s once', async (_, open) => {
    const client = open(app);
    const url = `${box.emulator.url}/2.0/users/me`;
    await box.connections.runAs('ann', () => client.get(url));
    box.emulator.clockSkewMs = 2 * HOUR_MS;
    await box.connections.runAs('ann', () => Promise.all([client.get(url), client.get(url)]));
    await client.close?.();
    expect(refreshes()).toBe(1);
  });
});

function authorizations(): unknown[] {
  return box.emulator.apiRequests.map(({ headers }) => headers['authorization']);
}

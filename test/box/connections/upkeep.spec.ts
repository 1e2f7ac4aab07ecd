import { inspect } from 'node:util';
import { BoxAuthError, onAuthEvent } from 'nestjs-box-auth';
import type { BoxConnection, BoxConnectionsOptions, KeyWrapper } from 'nestjs-box-auth/connections';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BoxConnections } from 'nestjs-box-auth/connections';
import {
  ALICE,
  ann,
  BOB,
  ConnectedBox,
  DAY_MS,
  outcome,
  VAULT_SECRET,
  whoAmI,
} from '../../support/box-connections.js';

let box: ConnectedBox;
beforeEach(async () => {
  box = await ConnectedBox.start();
});
afterEach(() => box.stop());

const requestsOf = (grant: string) =>
  box.emulator.tokenRequests.filter(({ body }) => body?.['grant_type'] === grant);
const revocations = () => box.emulator.requests.filter(({ path }) => path === '/oauth2/revoke');

async function connectOwners(count: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    await box.connect({ owner: `owner-${number}`, binding: 'a session' });
  }
}

describe('list', () => {
  it('lists all connections in pages', async () => {
    await connectOwners(5);
    const found: BoxConnection[] = [];
    let after: string | undefined;
    let pages = 0;
    do {
      const page = await box.connections.list({ after, limit: 2 });
      found.push(...page.connections);
      after = page.next;
      pages += 1;
    } while (after !== undefined);
    expect(pages).toBe(3);
    expect(found.map(({ owner }) => owner)).toEqual([0, 1, 2, 3, 4].map((each) => `owner-${each}`));
  });

  it('has no next page after a full last one', async () => {
    await connectOwners(2);
    expect(await box.connections.list({ limit: 2 })).not.toHaveProperty('next');
    expect((await box.connections.list()).connections).toHaveLength(2);
  });

  it.each([
    { limit: 0 },
    { limit: 1_001 },
    { limit: 1.5 },
    { limit: '2' },
    { after: 'x' },
    { after: 7 },
  ])('refuses %j', async (options) => {
    expect(await outcome(box.connections.list(options as { limit?: number }))).toBe(
      'option_invalid',
    );
  });

  it('contains no token', async () => {
    await box.connect();
    const token = await box.connections.getToken('ann');
    const page = await box.connections.list();
    expect(inspect(page, { depth: 9 })).not.toContain(token.value);
  });
});

describe('disconnect', () => {
  it('revokes the tokens at Box and removes the connection', async () => {
    await box.connect();
    const token = await box.connections.getToken('ann');
    expect(await box.connections.disconnect('ann')).toEqual({ revoked: true });
    expect(await box.connections.get('ann')).toBeUndefined();
    expect(box.emulator.connections).toEqual([]);
    expect(await outcome(box.connections.getToken('ann'))).toBe('connection_missing');
    const headers = { authorization: `Bearer ${token.value}` };
    expect((await fetch(`${box.emulator.url}/2.0/users/me`, { headers })).status).toBe(401);
  });

  it('removes the connection although Box cannot be reached', async () => {
    await box.connect();
    box.emulator.always('revoke', { kind: 'unavailable' });
    expect(await box.advanceUntil(box.connections.disconnect('ann'))).toEqual({ revoked: false });
    expect(await box.connections.get('ann')).toBeUndefined();
  });

  it('keeps the tokens with `revoke: false`', async () => {
    await box.connect();
    expect(await box.connections.disconnect('ann', { revoke: false })).toEqual({ revoked: false });
    expect(revocations()).toEqual([]);
    expect(await box.connections.get('ann')).toBeUndefined();
  });

  it('removes only the connection with the label', async () => {
    await box.connect();
    await box.connect({ ...ann, label: 'work' }, BOB);
    await box.connections.disconnect('ann', { label: 'work' });
    expect(await whoAmI(box.connections)).toBe(ALICE);
    expect(await box.connections.get('ann', 'work')).toBeUndefined();
  });

  it('removes a connection that cannot be decrypted', async () => {
    await box.connect();
    const other = box.open({ secret: 'another secret of the vault 0123456789' });
    expect(await other.disconnect('ann')).toEqual({ revoked: false });
    expect(await box.connections.get('ann')).toBeUndefined();
  });

  it('does nothing without a connection', async () => {
    expect(await box.connections.disconnect('ann')).toEqual({ revoked: false });
    expect(revocations()).toEqual([]);
  });

  it('fails while the vault is unavailable, and revokes nothing', async () => {
    await box.connect();
    box.vault.load = () => Promise.reject(new Error('away'));
    expect(await outcome(box.connections.disconnect('ann'))).toBe('vault_unavailable');
    expect(revocations()).toEqual([]);
  });

  it('is not undone by a refresh that is on its way', async () => {
    await box.connect();
    box.runtime.freeze(2 * 3_600_000);
    const other = box.open();
    const refresh = box.vault.replace.bind(box.vault);
    box.vault.replace = async (row, version) => {
      await box.connections.disconnect('ann', { revoke: false });
      return refresh(row, version);
    };
    expect(await outcome(box.advanceUntil(other.getToken('ann')))).toBe('connection_missing');
    expect(await box.connections.get('ann')).toBeUndefined();
  });
});

describe('refreshIdle', () => {
  it('keeps connections alive beyond 60 days without a call', async () => {
    await box.connect();
    for (let days = 0; days < 200; days += 25) {
      box.runtime.freeze(25 * DAY_MS);
      await box.advanceUntil(box.connections.refreshIdle());
    }
    expect(await whoAmI(box.open())).toBe(ALICE);
    expect(requestsOf('refresh_token').length).toBe(4);
  });

  it('refreshes the longest idle ones first, and counts them', async () => {
    await box.connect({ owner: 'old', binding: 'x' });
    box.runtime.freeze(DAY_MS);
    await box.connect({ owner: 'older than a day', binding: 'x' }, BOB);
    box.runtime.freeze(2 * DAY_MS);
    await box.connect({ owner: 'new', binding: 'x' });
    const options = { idleForMs: DAY_MS, limit: 1 };
    expect(await box.connections.refreshIdle(options)).toEqual({
      refreshed: 1,
      lost: 0,
      failed: 0,
    });
    expect(await box.connections.get('old')).toMatchObject({ refreshedAt: box.runtime.now() });
    expect(await box.connections.refreshIdle({ idleForMs: DAY_MS })).toEqual({
      refreshed: 1,
      lost: 0,
      failed: 0,
    });
    expect(await box.connections.refreshIdle({ idleForMs: DAY_MS })).toEqual({
      refreshed: 0,
      lost: 0,
      failed: 0,
    });
  });

  it('counts connections that Box has ended as lost, and refreshes them no more', async () => {
    await box.connect();
    await box.connect({ owner: 'ben', binding: 'x' }, BOB);
    box.emulator.revokeUserConnection(ALICE);
    box.runtime.freeze(31 * DAY_MS);
    const counts = await box.advanceUntil(box.connections.refreshIdle());
    expect(counts).toEqual({ refreshed: 1, lost: 1, failed: 0 });
    expect(await box.connections.get('ann')).toMatchObject({ status: 'reauthorization_required' });
    box.runtime.freeze(31 * DAY_MS);
    const again = await box.advanceUntil(box.connections.refreshIdle());
    expect(again).toEqual({ refreshed: 1, lost: 0, failed: 0 });
  });

  it('counts connections that could not be refreshed as failed, and keeps them', async () => {
    await box.connect();
    box.runtime.freeze(31 * DAY_MS);
    box.emulator.always('token', { kind: 'unavailable' });
    const counts = await box.advanceUntil(box.connections.refreshIdle());
    expect(counts).toEqual({ refreshed: 0, lost: 0, failed: 1 });
    box.emulator.heal('token');
    expect(await box.advanceUntil(box.connections.refreshIdle())).toMatchObject({ refreshed: 1 });
  });

  it('refreshes a connection once, also if all processes call it', async () => {
    await connectOwners(10);
    box.runtime.freeze(31 * DAY_MS);
    const processes = [box.connections, box.open(), box.open()];
    await box.advanceUntil(Promise.all(processes.map((each) => each.refreshIdle())));
    expect(requestsOf('refresh_token').length).toBe(10);
  });

  it.each([{ idleForMs: -1 }, { idleForMs: 61 * DAY_MS }, { limit: 0 }])(
    'refuses %j',
    async (options) => {
      expect(await outcome(box.connections.refreshIdle(options as { limit: number }))).toBe(
        'option_invalid',
      );
    },
  );
});

const NEW_SECRET = 'a new secret of the vault 0123456789abc';

describe('rekey', () => {
  it('encrypts all connections with the new secret, so that the old one can be removed', async () => {
    await connectOwners(5);
    const rotating = box.open({ secret: [NEW_SECRET, VAULT_SECRET] });
    expect(await whoAmI(rotating, 'owner-0')).toBe(ALICE);
    expect(await rotating.rekey({ limit: 3 })).toEqual({ rekeyed: 3, left: 2 });
    expect(await rotating.rekey({ limit: 3 })).toEqual({ rekeyed: 2, left: 0 });
    expect(await rotating.rekey()).toEqual({ rekeyed: 0, left: 0 });
    const renewed = box.open({ secret: NEW_SECRET });
    for (let number = 0; number < 5; number++) {
      expect(await whoAmI(renewed, `owner-${number}`)).toBe(ALICE);
    }
    expect(requestsOf('refresh_token')).toEqual([]);
  });

  it('leaves out connections that cannot be decrypted', async () => {
    await connectOwners(2);
    const stranger = box.open({ secret: NEW_SECRET });
    expect(await stranger.rekey()).toEqual({ rekeyed: 0, left: 2 });
    expect(await whoAmI(box.connections, 'owner-0')).toBe(ALICE);
  });

  it('does not change when a connection was refreshed', async () => {
    await box.connect();
    const before = await box.connections.get('ann');
    box.runtime.freeze(DAY_MS);
    await box.open({ secret: [NEW_SECRET, VAULT_SECRET] }).rekey();
    expect(await box.open({ secret: NEW_SECRET }).get('ann')).toEqual(before);
  });
});

describe('keys', () => {
  /** A key management service: XOR is enough to see which key it was given. */
  function service() {
    const flip = (bytes: Uint8Array) => bytes.map((byte) => byte ^ 0x5a);
    const calls = { wrap: 0, unwrap: 0 };
    const keys: KeyWrapper = {
      wrap: async (dataKey) => {
        calls.wrap += 1;
        return flip(dataKey);
      },
      unwrap: async (wrapped) => {
        calls.unwrap += 1;
        return flip(wrapped);
      },
    };
    return { keys, calls };
  }
  const withoutSecret: Partial<BoxConnectionsOptions> = { secret: undefined };

  it('encrypt the connections instead of a secret, with one data key for each process', async () => {
    const { keys, calls } = service();
    const first = box.open({ ...withoutSecret, keys });
    for (const owner of ['ann', 'ben', 'eve']) {
      const url = await first.authorizationUrl({ ...ann, owner });
      const query = box.emulator.consent(url, { userId: ALICE });
      await first.complete({ ...ann, owner, query });
    }
    expect(calls.wrap).toBe(1);
    const second = box.open({ ...withoutSecret, keys });
    const before = calls.unwrap;
    for (const owner of ['ann', 'ben', 'eve']) expect(await whoAmI(second, owner)).toBe(ALICE);
    expect(calls.unwrap - before).toBe(1);
    expect(await outcome(box.connections.getToken('ann'))).toBe('vault_unreadable');
  });

  it('can take over from a secret', async () => {
    await box.connect();
    const { keys } = service();
    const both = box.open({ keys });
    expect(await whoAmI(both)).toBe(ALICE);
    expect(await both.rekey()).toEqual({ rekeyed: 1, left: 0 });
    expect(await whoAmI(box.open({ ...withoutSecret, keys }))).toBe(ALICE);
  });

  it.each<[string, () => Promise<Uint8Array>]>([
    ['rejects', () => Promise.reject(new Error('no service'))],
    ['returns nothing', () => Promise.resolve(undefined as never)],
    ['returns no bytes', () => Promise.resolve(new Uint8Array())],
  ])('fail with vault_unavailable while the service %s, and lose nothing', async (_, fail) => {
    const { keys } = service();
    const url = await box.open({ ...withoutSecret, keys }).authorizationUrl(ann);
    let isAway = true;
    const flaky: KeyWrapper = {
      wrap: (key) => (isAway ? fail() : keys.wrap(key)),
      unwrap: (key) => (isAway ? fail() : keys.unwrap(key)),
    };
    const process = box.open({ ...withoutSecret, keys: flaky });
    expect(await outcome(process.authorizationUrl(ann))).toBe('vault_unavailable');
    isAway = false;
    await process.complete({ ...ann, query: box.emulator.consent(url, { userId: ALICE }) });
    expect(await whoAmI(process)).toBe(ALICE);
  });

  it('fail with vault_unavailable if the service takes more than 5 s', async () => {
    const never = () => new Promise<never>(() => undefined);
    const process = box.open({ ...withoutSecret, keys: { wrap: never, unwrap: never } });
    const startedAt = box.runtime.now();
    expect(await box.advanceUntil(outcome(process.authorizationUrl(ann)))).toBe(
      'vault_unavailable',
    );
    expect(box.runtime.now() - startedAt).toBeLessThan(6_000);
  });
});

describe('Rows of the vault', () => {
  it('contain neither a token nor the person in clear text', async () => {
    await box.connect();
    const token = await box.connections.getToken('ann');
    const { clientId } = box.emulator.oauthApp;
    const row = await box.vault.load({ app: clientId, owner: 'ann', label: '' });
    const text = JSON.stringify(row);
    for (const secret of [token.value, 'alice@example.com', 'Alice', ALICE]) {
      expect(text).not.toContain(secret);
    }
    expect(text.length).toBeLessThan(2_000);
  });

  it.each(['owner', 'label', 'version', 'sealed'] as const)(
    'fail with vault_unreadable if the %s was changed',
    async (field) => {
      await box.connect();
      await box.connect({ ...ann, owner: 'eve', label: 'x' }, BOB);
      const load = box.vault.load.bind(box.vault);
      const { clientId: app } = box.emulator.oauthApp;
      const other = await load({ app, owner: 'eve', label: 'x' });
      box.vault.load = async (key) => {
        const row = await load(key);
        return (
          row && other && { ...row, [field]: field === 'version' ? row.version + 1 : other[field] }
        );
      };
      expect(await outcome(box.connections.getToken('ann'))).toBe('vault_unreadable');
      expect(await outcome(box.connections.get('ann'))).toBe('vault_unreadable');
    },
  );
});

describe('Events', () => {
  it('report each change, without a token and an owner', async () => {
    const events: unknown[] = [];
    const stop = onAuthEvent('connection', (event) => events.push(event));
    await box.connect();
    box.runtime.freeze(2 * 3_600_000);
    const token = await box.advanceUntil(box.connections.getToken('ann'));
    await box.connections.disconnect('ann');
    stop();
    const event = { issuer: 'Box', app: undefined, kind: 'connection' };
    expect(events).toEqual([
      { ...event, change: 'connected' },
      { ...event, change: 'refreshed' },
      { ...event, change: 'disconnected' },
    ]);
    const shown = inspect(events, { depth: 9 });
    expect(shown).not.toContain('ann');
    expect(shown).not.toContain(token.value);
  });
});

describe('The options', () => {
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ clientId: undefined }, /`clientId` is missing/],
    [{ clientSecret: undefined }, /`clientSecret` is missing/],
    [{ redirectUri: undefined }, /`redirectUri` is missing/],
    [{ vault: undefined }, /`vault` is missing/],
    [{ clientId: '' }, /Invalid `clientId`/],
    [{ redirectUri: '/box/callback' }, /Invalid `redirectUri`: expected an absolute URL/],
    [{ vault: {} }, /Invalid `vault`: expected an object with the methods load/],
    [{ secret: 'short' }, /Invalid `secret`: expected at least 32 characters/],
    [{ secret: [] }, /Invalid `secret`/],
    [{ secret: [VAULT_SECRET, 'short'] }, /Invalid `secret`/],
    [{ secret: undefined }, /`secret` and `keys` are both missing/],
    [{ keys: {} }, /Invalid `keys`/],
    [{ authorizeUrl: 'http://account.box.com/' }, /Invalid `authorizeUrl`: expected an https URL/],
    [{ apiUrl: 'api.box.com' }, /Invalid `apiUrl`/],
    [{ maxConnections: 0 }, /Invalid `maxConnections`/],
    [{ renewal: { windowRatio: 2 } }, /Invalid `renewal.windowRatio`/],
    [{ maxconnections: 1 }, /Unknown option `maxconnections`/],
  ];

  it.each(wrong)('refuse %j', (change, message) => {
    const failure = thrownBy(() => box.open(change));
    expect(failure).toBeInstanceOf(BoxAuthError);
    expect(failure).toMatchObject({
      code: 'option_invalid',
      message: expect.stringMatching(message),
    });
    expect(inspect(failure)).not.toContain('short');
  });

  it('are an object', () => {
    expect(thrownBy(() => new BoxConnections(undefined as never))).toMatchObject({
      code: 'option_invalid',
    });
  });
});

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('It did not throw.');
}

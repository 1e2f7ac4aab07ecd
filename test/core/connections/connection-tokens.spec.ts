import { AsyncLocalStorage } from 'node:async_hooks';
import { beforeEach, describe, expect, it } from 'vitest';
import { ConnectionTokens } from '../../../lib/core/connections/connection-tokens.js';
import type { ConnectionVault } from '../../../lib/core/connections/connection-vault.js';
import type { AuthEvent } from '../../../lib/core/events/auth-events.js';
import { AccessToken } from '../../../lib/core/token-endpoint/access-token.js';
import { HOUR_MS, KEY, TestConnection } from '../../support/connections.js';
import { settled } from '../../support/fake-runtime.js';
import { thrownBy } from '../../support/thrown.js';

const SECOND_MS = 1_000;
const OLD_TOKEN = new AccessToken('AT-0', { subject: { type: 'user', id: '11111' } });

let connection: TestConnection;
let events: AuthEvent[];
beforeEach(async () => {
  connection = new TestConnection();
  await connection.connect();
  events = [];
});

const tokensWith = (changes: Partial<ConnectionVault> = {}, maxConnections = 10) =>
  new ConnectionTokens(connection.context(changes), (event) => events.push(event), maxConnections);

/** Makes the vault refuse writes until `recover` is called, and notes the times of the attempts. */
function withoutWrites() {
  const { runtime, stored } = connection;
  let isAway = true;
  const attempts: number[] = [];
  const replace: ConnectionVault['replace'] = async (row, version) => {
    attempts.push(runtime.monotonic());
    if (isAway) throw new Error('away');
    return stored.replace(row, version);
  };
  const recover = () => {
    isAway = false;
  };
  return { replace, attempts, recover };
}

/** Responds to refreshes when the returned function is called. */
function slowIssuer(): () => void {
  let respond = (): void => undefined;
  connection.respond = () =>
    new Promise((resolve) => {
      respond = () => resolve(connection.grant('RT-2'));
    });
  return () => respond();
}

async function isSettled(work: Promise<unknown>): Promise<boolean> {
  let isOver = false;
  void work.finally(() => {
    isOver = true;
  });
  await settled();
  return isOver;
}

describe('The token of a connection', () => {
  it('is cached, and forgotten when the connection changes', async () => {
    const tokens = tokensWith();
    expect(tokens.peek(KEY)).toBeUndefined();
    expect(tokens.peekFresh(KEY)).toBeUndefined();
    const token = await tokens.get(KEY);
    expect(tokens.peek(KEY)).toBe(token);
    expect(tokens.peekFresh(KEY)).toBe(token);
    expect(tokens.peek({ ...KEY, label: 'work' })).toBeUndefined();
    tokens.forget({ ...KEY, owner: 'eve' });
    expect(tokens.peek(KEY)).toBe(token);
    tokens.forget(KEY);
    expect(tokens.peek(KEY)).toBeUndefined();
  });

  it('is fresh until its refresh is due, and for as long as a caller needs it', async () => {
    const tokens = tokensWith();
    const token = await tokens.get(KEY);
    expect(tokens.peekFresh(KEY, 40 * 60 * SECOND_MS)).toBe(token);
    connection.runtime.freeze(30 * 60 * SECOND_MS);
    expect(tokens.peekFresh(KEY, 40 * 60 * SECOND_MS)).toBeUndefined();
    expect(tokens.peekFresh(KEY)).toBe(token);
    connection.runtime.freeze(28 * 60 * SECOND_MS);
    expect(tokens.peekFresh(KEY)).toBeUndefined();
    expect(tokens.peek(KEY)).toBe(token);
  });

  it('is refreshed for a caller that needs it for longer', async () => {
    const tokens = tokensWith();
    await tokens.get(KEY);
    connection.runtime.freeze(30 * 60 * SECOND_MS);
    expect((await tokens.get(KEY)).value).toBe('AT-1');
    expect((await tokens.get(KEY, { minValidityMs: 40 * 60 * SECOND_MS })).value).toBe('AT-1+');
  });

  it('is not for a caller that has gone, although it is cached', async () => {
    const tokens = tokensWith();
    await tokens.get(KEY);
    const signal = AbortSignal.abort(new Error('gone'));
    await expect(tokens.get(KEY, { signal })).rejects.toThrow('gone');
  });

  it('is replaced by another one once it was invalidated', async () => {
    const tokens = tokensWith();
    const token = await tokens.get(KEY);
    tokens.invalidate({ ...KEY, owner: 'eve' }, token);
    tokens.invalidate(KEY, OLD_TOKEN);
    expect(tokens.peek(KEY)).toBe(token);
    tokens.invalidate(KEY, token);
    expect(tokens.peek(KEY)).toBeUndefined();
    expect((await tokens.get(KEY)).value).toBe('AT-1+');
  });

  it('is replaced without a refresh if the vault has another one than the refused token', async () => {
    expect((await tokensWith().replace(KEY, OLD_TOKEN, {})).value).toBe('AT-1');
    expect(connection.exchanged).toEqual([]);
  });

  it('is no longer cached when other connections have taken its place', async () => {
    const tokens = tokensWith({}, 1);
    const other = { ...KEY, owner: 'eve' };
    await connection
      .rows()
      .insert(other, 1, { record: connection.record('eve'), status: 'active' });
    await tokens.get(KEY);
    await settled();
    await tokens.get(other);
    await settled();
    expect(tokens.peek(KEY)).toBeUndefined();
    expect(tokens.peek(other)?.value).toBe('AT-eve');
  });

  it('is requested outside of the async context of its callers', async () => {
    const context = new AsyncLocalStorage<string>();
    connection.runtime.freeze(HOUR_MS);
    let seen: unknown = 'nothing';
    connection.respond = async (refreshToken) => {
      seen = context.getStore();
      return connection.grant(`${refreshToken}+`);
    };
    const tokens = tokensWith();
    await context.run('a request', () => tokens.get(KEY));
    expect(seen).toBeUndefined();
  });
});

describe('A rejected call', () => {
  it('in a loop is paused, and the caller can end the pause', async () => {
    const tokens = tokensWith();
    const missing = { ...KEY, owner: 'nobody' };
    for (let calls = 0; calls < 10; calls++) await thrownBy(() => tokens.get(missing));
    expect(connection.runtime.timers).toBe(0);
    const paused = thrownBy(() => tokens.get(missing));
    expect(await isSettled(paused)).toBe(false);
    await connection.runtime.advance(1);
    expect(await paused).toMatchObject({ code: 'connection_missing' });
    const caller = new AbortController();
    const { signal } = caller;
    const ended = Promise.allSettled([
      tokens.get(missing, { signal }),
      tokens.replace(missing, OLD_TOKEN, { signal }),
    ]);
    expect(await isSettled(ended)).toBe(false);
    caller.abort();
    expect(await isSettled(ended)).toBe(true);
  });

  it('emits no event if the person has to do something, and one if the operator has', async () => {
    await thrownBy(() => tokensWith().get({ ...KEY, owner: 'nobody' }));
    connection.runtime.freeze(HOUR_MS);
    connection.respond = async () => connection.refuse();
    await thrownBy(() => tokensWith().get(KEY));
    expect(events).toEqual([]);
    const load = () => Promise.reject(new Error('away'));
    await thrownBy(() => tokensWith({ load }).get(KEY));
    expect(events).toMatchObject([
      { outcome: 'failed', subjectType: 'connection', error: { code: 'vault_unavailable' } },
    ]);
  });
});

describe('The refresh of a connection', () => {
  it('gets a new token although the current one is valid, and reports it', async () => {
    const tokens = tokensWith();
    const current = await tokens.get(KEY);
    events.length = 0;
    await tokens.refresh(KEY, current);
    expect(connection.exchanged).toEqual(['RT-1']);
    expect(tokens.peek(KEY)).toBeUndefined();
    expect((await tokens.get(KEY)).value).toBe('AT-1+');
    expect(events[0]).toMatchObject({
      kind: 'renewal',
      outcome: 'minted',
      isOwn: false,
      enterprise: undefined,
      subjectType: 'connection',
      usableForMs: HOUR_MS - 5 * SECOND_MS,
    });
  });

  it('takes the token that another process got meanwhile', async () => {
    await tokensWith().refresh(KEY, OLD_TOKEN);
    expect(connection.exchanged).toEqual([]);
    expect(events).toMatchObject([{ kind: 'renewal', outcome: 'shared' }]);
  });

  it('rejects and reports a failure', async () => {
    const load = () => Promise.reject(new Error('away'));
    const refresh = tokensWith({ load }).refresh(KEY, OLD_TOKEN);
    expect(await thrownBy(() => refresh)).toMatchObject({ code: 'vault_unavailable' });
    expect(events).toMatchObject([{ kind: 'renewal', outcome: 'failed', usableForMs: 0 }]);
  });

  it('needs nothing from the vault afterwards', async () => {
    let loads = 0;
    const load: ConnectionVault['load'] = (key) => {
      loads += 1;
      return connection.stored.load(key);
    };
    connection.runtime.freeze(HOUR_MS);
    await tokensWith({ load }).get(KEY);
    const before = loads;
    await connection.runtime.advance(60 * SECOND_MS);
    expect(loads).toBe(before);
    expect(connection.runtime.timers).toBe(0);
  });
});

describe('A pair that the vault does not have yet', () => {
  beforeEach(() => connection.runtime.freeze(HOUR_MS));

  it.each([
    [0, [0.5, 1.5, 3.5, 7.5, 15.5, 30.5, 45.5]],
    [0.5, [1, 3, 7, 15, 31, 61, 91]],
    [0.9, [1.4, 4.2, 9.8, 21, 43.4, 85.4, 127.4]],
  ])('is written after growing pauses of up to 30 s (random %d)', async (random, seconds) => {
    const { runtime } = connection;
    runtime.randomValue = random;
    const { replace, attempts, recover } = withoutWrites();
    const tokens = tokensWith({ replace });
    await thrownBy(() => tokens.get(KEY));
    const startedAt = attempts.splice(0)[0] ?? 0;
    await runtime.advance((seconds.at(-1) ?? 0) * SECOND_MS - 1);
    expect(attempts).toHaveLength(seconds.length - 1);
    recover();
    await runtime.advance(100 * SECOND_MS);
    expect(attempts.map((at) => (at - startedAt) / SECOND_MS)).toEqual(
      seconds.map((each) => expect.closeTo(each, 6) as number),
    );
    expect(await connection.loaded()).toMatchObject({ refreshToken: 'RT-1+' });
    expect(connection.exchanged).toEqual(['RT-1']);
  });

  it('is written by one task, although more callers come', async () => {
    const { replace, attempts } = withoutWrites();
    const tokens = tokensWith({ replace });
    for (let calls = 0; calls < 3; calls++) await thrownBy(() => tokens.get(KEY));
    const before = attempts.length;
    await connection.runtime.advance(7 * SECOND_MS);
    expect(attempts.length - before).toBe(3);
  });

  it('is kept although other connections take its place in the cache', async () => {
    const { replace, recover } = withoutWrites();
    const tokens = tokensWith({ replace }, 1);
    await thrownBy(() => tokens.get(KEY));
    await thrownBy(() => tokens.get({ ...KEY, owner: 'nobody' }));
    recover();
    await connection.runtime.advance(10 * SECOND_MS);
    expect((await tokens.get(KEY)).value).toBe('AT-1+');
    expect(connection.exchanged).toEqual(['RT-1']);
  });
});

describe('Closing', () => {
  beforeEach(() => connection.runtime.freeze(HOUR_MS));

  it('ends the waits of callers, and resolves when the refresh that has begun is in the vault', async () => {
    const respond = slowIssuer();
    const tokens = tokensWith();
    const call = thrownBy(() => tokens.get(KEY));
    await settled();
    const closed = tokens.close();
    expect(await call).toMatchObject({ code: 'closed' });
    expect(await isSettled(closed)).toBe(false);
    respond();
    expect(await isSettled(closed)).toBe(true);
    expect(await connection.loaded()).toMatchObject({ refreshToken: 'RT-2' });
    expect(tokens.close()).toBe(closed);
    expect(connection.runtime.timers).toBe(0);
  });

  it('writes the pair that the vault does not have yet', async () => {
    const { replace, recover } = withoutWrites();
    const tokens = tokensWith({ replace });
    await thrownBy(() => tokens.get(KEY));
    recover();
    await tokens.close();
    expect(await connection.loaded()).toMatchObject({ refreshToken: 'RT-1+' });
    expect(connection.runtime.timers).toBe(0);
  });

  it('tries that once, and schedules nothing more', async () => {
    const { replace, attempts } = withoutWrites();
    const tokens = tokensWith({ replace });
    await thrownBy(() => tokens.get(KEY));
    await tokens.close();
    const before = attempts.length;
    await connection.runtime.advance(60 * SECOND_MS);
    expect(attempts.length).toBe(before);
    expect(connection.runtime.timers).toBe(0);
  });

  it('waits for 5 s at most', async () => {
    slowIssuer();
    const tokens = tokensWith();
    void thrownBy(() => tokens.get(KEY));
    await settled();
    const closed = tokens.close();
    await connection.runtime.advance(5 * SECOND_MS - 1);
    expect(await isSettled(closed)).toBe(false);
    await connection.runtime.advance(1);
    expect(await isSettled(closed)).toBe(true);
  });

  it('ends the pauses of rejected calls', async () => {
    const tokens = tokensWith();
    const missing = { ...KEY, owner: 'nobody' };
    for (let calls = 0; calls < 10; calls++) await thrownBy(() => tokens.get(missing));
    const paused = thrownBy(() => tokens.get(missing));
    expect(await isSettled(paused)).toBe(false);
    await tokens.close();
    expect(await isSettled(paused)).toBe(true);
  });

  it('forgets the tokens, and later calls fail', async () => {
    const tokens = tokensWith();
    const token = await tokens.get(KEY);
    await tokens.close();
    expect(tokens.peek(KEY)).toBeUndefined();
    for (const call of [
      () => tokens.get(KEY),
      () => tokens.replace(KEY, token, {}),
      () => tokens.refresh(KEY, token),
    ]) {
      expect(await thrownBy(call)).toMatchObject({ code: 'closed' });
    }
  });
});

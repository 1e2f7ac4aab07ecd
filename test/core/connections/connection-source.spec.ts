import { beforeEach, describe, expect, it } from 'vitest';
import type { ConnectionSource } from '../../../lib/core/connections/connection-source.js';
import { AccessToken } from '../../../lib/core/token-endpoint/access-token.js';
import { HOUR_MS, KEY, TestConnection } from '../../support/connections.js';
import { settled } from '../../support/fake-runtime.js';
import { thrownBy } from '../../support/thrown.js';

let connection: TestConnection;
beforeEach(async () => {
  connection = new TestConnection();
  await connection.connect();
});

const mint = (source: ConnectionSource, previous = {}) => source.mint(undefined, previous);
const valueOf = async (source: ConnectionSource, previous = {}) =>
  (await mint(source, previous)).token.value;
const token = (value: string) => new AccessToken(value, { subject: { type: 'user', id: '11111' } });

/** A process whose vault refuses writes until `recover` is called. */
function withoutWrites() {
  let isAway = true;
  const { stored } = connection;
  const source = connection.process({
    replace: async (row, version) => {
      if (isAway) throw new Error('connection lost');
      return stored.replace(row, version);
    },
  });
  const recover = () => {
    isAway = false;
  };
  return { source, recover };
}

describe('A connection with a fresh access token', () => {
  it('is used, with its age', async () => {
    await connection.runtime.advance(600_000);
    const minted = await mint(connection.process());
    expect(minted).toMatchObject({
      isShared: true,
      lifetimeMs: HOUR_MS,
      token: { value: 'AT-1', subject: { type: 'user', id: '11111' } },
    });
    expect(connection.runtime.now() - minted.requestedAt.wall).toBe(600_000);
    expect(connection.runtime.monotonic() - minted.requestedAt.monotonic).toBe(600_000);
    expect(connection.exchanged).toEqual([]);
  });

  it('is refreshed for a process that has this token already, or was refused with it', async () => {
    expect(await valueOf(connection.process(), { current: token('AT-1') })).toBe('AT-1+');
    expect(await valueOf(connection.process(), { refused: token('AT-1+') })).toBe('AT-1++');
    expect(connection.exchanged).toEqual(['RT-1', 'RT-1+']);
  });

  it('replaces an older token that was refused, without a refresh', async () => {
    expect(await valueOf(connection.process(), { refused: token('AT-0') })).toBe('AT-1');
    expect(connection.exchanged).toEqual([]);
  });

  it('counts as new on a machine whose clock is behind', async () => {
    connection.runtime.jump(-HOUR_MS);
    const { requestedAt } = await mint(connection.process());
    expect(requestedAt.wall).toBe(connection.runtime.now());
  });
});

describe('A newer token', () => {
  it('is the one in the vault, which another process wrote', async () => {
    const source = connection.process();
    expect((await source.findNewer(token('AT-0')))?.token.value).toBe('AT-1');
    expect(await source.findNewer(token('AT-1'))).toBeUndefined();
    connection.runtime.freeze(HOUR_MS);
    expect((await source.findNewer(token('AT-0')))?.token.value).toBe('AT-1');
    expect(connection.exchanged).toEqual([]);
  });

  it('is unknown while the vault is unavailable', async () => {
    const source = connection.process({ load: () => Promise.reject(new Error('away')) });
    expect(await source.findNewer(token('AT-0'))).toBeUndefined();
  });
});

describe('A process without a new pair', () => {
  it('has nothing to write, and does not read the vault', async () => {
    const source = connection.process({ load: () => Promise.reject(new Error('read')) });
    expect(source.isUnwritten).toBe(false);
    await source.writePair();
    expect(source.isIdle).toBe(true);
  });
});

describe('A connection with an expired access token', () => {
  beforeEach(() => connection.runtime.freeze(HOUR_MS));

  it('is refreshed once by all processes of a fleet', async () => {
    const fleet = Array.from({ length: 8 }, () => connection.process());
    const tokens = fleet.map((source) => valueOf(source));
    await connection.runtime.advance(10_000);
    expect(new Set(await Promise.all(tokens))).toEqual(new Set(['AT-1+']));
    expect(connection.exchanged).toEqual(['RT-1']);
  });

  it('belongs to the process that refreshed it, and to others as a shared one', async () => {
    expect(await mint(connection.process())).toMatchObject({ isShared: false });
    expect(await mint(connection.process())).toMatchObject({ isShared: true });
  });

  it('is in the vault before its new token is used', async () => {
    await valueOf(connection.process());
    expect(await connection.loaded()).toMatchObject({
      accessToken: 'AT-1+',
      refreshToken: 'RT-1+',
      obtainedAt: connection.runtime.now(),
      connectedAt: connection.runtime.now() - HOUR_MS,
      person: { login: 'ann@example.com' },
    });
  });

  it('is not refreshed by another process while the one with the lease is alive', async () => {
    connection.respond = () => new Promise(() => undefined);
    void mint(connection.process());
    await settled();
    void mint(connection.process());
    await connection.runtime.advance(15_000);
    expect(connection.exchanged).toEqual(['RT-1']);
  });

  it('is refreshed by another process 5 s after the one with the lease has crashed', async () => {
    await connection.stored.lease(KEY, { holder: 'crashed', version: 7, leaseMs: 5_000 });
    const waiting = valueOf(connection.process());
    await connection.runtime.advance(4_900);
    expect(connection.exchanged).toEqual([]);
    await connection.runtime.advance(1_600);
    expect(await waiting).toBe('AT-1+');
  });

  it('is refreshed without the lease after 20 s, as its holder may be frozen', async () => {
    const waiting = valueOf(connection.process({ lease: async () => false }));
    await connection.runtime.advance(19_000);
    expect(connection.exchanged).toEqual([]);
    await connection.runtime.advance(3_000);
    expect(await waiting).toBe('AT-1+');
  });

  it.each([
    [0, [0, 50, 150, 350, 750, 1_250, 1_750]],
    [0.5, [0, 100, 300, 700, 1_500, 2_500]],
    [0.9, [0, 140, 420, 980, 2_100]],
  ])('is looked up after growing pauses of up to 1 s (random %d)', async (random, expected) => {
    const { runtime, stored } = connection;
    runtime.randomValue = random;
    const startedAt = runtime.monotonic();
    const lookups: number[] = [];
    const source = connection.process({
      load: (key) => {
        lookups.push(runtime.monotonic() - startedAt);
        return stored.load(key);
      },
      lease: async () => false,
    });
    const caller = new AbortController();
    const call = source.mint(undefined, {}, caller.signal);
    await runtime.advance(expected.at(-1) ?? 0);
    expect(lookups).toEqual(expected);
    caller.abort(new Error('gone'));
    await expect(call).rejects.toThrow('gone');
    await source.idle();
    expect(runtime.timers).toBe(0);
  });

  it('is not refreshed for a caller that has gone before', async () => {
    const gone = AbortSignal.abort(new Error('gone'));
    await expect(connection.process().mint(undefined, {}, gone)).rejects.toThrow('gone');
    await settled();
    expect(connection.exchanged).toEqual([]);
  });

  it('keeps its lease until the refresh ends', async () => {
    const { runtime, stored } = connection;
    const startedAt = runtime.monotonic();
    const leases: number[] = [];
    const source = connection.process({
      lease: (key, request) => {
        leases.push(runtime.monotonic() - startedAt);
        return leases.length === 2 ? Promise.reject(new Error('away')) : stored.lease(key, request);
      },
    });
    connection.respond = () =>
      new Promise((resolve) => {
        runtime.schedule(() => resolve(connection.grant('RT-2')), 6_000);
      });
    const call = valueOf(source);
    await runtime.advance(60_000);
    expect(await call).toBe('AT-2');
    expect(leases.map(Math.round)).toEqual([0, 1_667, 3_333, 5_000]);
    expect(runtime.timers).toBe(0);
  });

  it('is used although its new token arrives expired, as another refresh would not help', async () => {
    connection.respond = async () => {
      const pair = connection.grant('RT-2');
      connection.runtime.freeze(2 * HOUR_MS);
      return pair;
    };
    expect(await valueOf(connection.process())).toBe('AT-2');
    expect(connection.exchanged).toEqual(['RT-1']);
  });

  it('gets a refresh that continues after its caller has gone', async () => {
    let respond = (): void => undefined;
    connection.respond = () =>
      new Promise((resolve) => {
        respond = () => resolve(connection.grant('RT-2'));
      });
    const caller = new AbortController();
    const call = connection.process().mint(undefined, {}, caller.signal);
    await settled();
    caller.abort(new Error('gone'));
    await expect(call).rejects.toThrow('gone');
    respond();
    await settled();
    expect(await connection.loaded()).toMatchObject({ refreshToken: 'RT-2' });
  });
});

describe('A vault that fails', () => {
  beforeEach(() => connection.runtime.freeze(HOUR_MS));

  it('during the write of a new pair gets it later, without another refresh', async () => {
    const { source, recover } = withoutWrites();
    expect(await thrownBy(() => mint(source))).toMatchObject({
      code: 'vault_unavailable',
      retryable: true,
    });
    expect(source.isUnwritten).toBe(true);
    recover();
    await source.writePair();
    expect(source.isUnwritten).toBe(false);
    expect(await valueOf(source)).toBe('AT-1+');
    expect(connection.exchanged).toEqual(['RT-1']);
  });

  it('after it has written the new pair loses nothing', async () => {
    let isFirst = true;
    const { stored } = connection;
    const source = connection.process({
      replace: async (row, version) => {
        const isReplaced = await stored.replace(row, version);
        if (isFirst) throw new Error(`lost the response, ${(isFirst = false)}`);
        return isReplaced;
      },
    });
    await thrownBy(() => mint(source));
    expect(await valueOf(source)).toBe('AT-1+');
    expect(connection.exchanged).toEqual(['RT-1']);
  });

  it('to respond is given up after 5 s', async () => {
    const source = connection.process({ load: () => new Promise(() => undefined) });
    const error = thrownBy(() => mint(source));
    await connection.runtime.advance(5_000);
    expect(await error).toMatchObject({ code: 'vault_unavailable' });
  });

  it('to replace anything is not asked forever', async () => {
    let replaces = 0;
    const source = connection.process({ replace: async () => ++replaces === 0 });
    expect(await thrownBy(() => mint(source))).toMatchObject({
      code: 'vault_unavailable',
      cause: { message: 'It reported 20 conflicts in a row.' },
    });
    expect(replaces).toBe(20);
    expect(connection.exchanged).toEqual(['RT-1']);
  });

  it('with another secret is unreadable, and its connection is not lost', async () => {
    const source = connection.process({}, 'another secret, fedcba98765432100123');
    expect(await thrownBy(() => mint(source))).toMatchObject({
      code: 'vault_unreadable',
      retryable: false,
    });
    expect(await valueOf(connection.process())).toBe('AT-1+');
  });
});

describe('A changed connection', () => {
  beforeEach(() => connection.runtime.freeze(HOUR_MS));

  /** A process whose vault executes `change` before it replaces the row for the first time. */
  const racing = (change: () => Promise<void>) => {
    let isFirst = true;
    const { stored } = connection;
    return connection.process({
      replace: async (row, version) => {
        if (isFirst) {
          isFirst = false;
          await change();
        }
        return stored.replace(row, version);
      },
    });
  };

  it('with the same refresh token, as after a change of the secret, gets the new pair', async () => {
    const source = racing(async () => {
      const rows = connection.rows();
      const loaded = await rows.load(KEY);
      if (loaded === undefined) return;
      await rows.replace(KEY, loaded.row.version, { record: loaded.record, status: 'active' });
    });
    expect(await valueOf(source)).toBe('AT-1+');
    expect(await connection.loaded()).toMatchObject({ refreshToken: 'RT-1+' });
  });

  it('with another refresh token is kept, as the person has connected again', async () => {
    const source = racing(async () => {
      const version = (await connection.stored.load(KEY))?.version ?? 0;
      await connection
        .rows()
        .replace(KEY, version, { record: connection.record('new'), status: 'active' });
    });
    expect(await valueOf(source)).toBe('AT-new');
    expect(await connection.loaded()).toMatchObject({ refreshToken: 'RT-new' });
  });

  it('that was removed stays removed', async () => {
    const source = racing(() => connection.stored.remove(KEY));
    expect(await thrownBy(() => mint(source))).toMatchObject({ code: 'connection_missing' });
    expect(await connection.loaded()).toBeUndefined();
    expect(source.isUnwritten).toBe(false);
  });
});

describe('A refused refresh token', () => {
  beforeEach(() => connection.runtime.freeze(HOUR_MS));

  it('ends the connection, once for the fleet, and is never sent again', async () => {
    connection.respond = async () => connection.refuse(new Error('Refresh token has expired'));
    const source = connection.process();
    for (const process of [source, source, connection.process()]) {
      expect(await thrownBy(() => mint(process))).toMatchObject({
        code: 'reauthorization_required',
        retryable: false,
      });
    }
    expect(connection.exchanged).toEqual(['RT-1']);
    expect(connection.ends).toHaveLength(1);
    expect(await connection.stored.load(KEY)).toMatchObject({ status: 'reauthorization_required' });
    expect(await connection.loaded()).toMatchObject({ refreshToken: 'RT-1' });
  });

  it('shows why the issuer refused it', async () => {
    connection.respond = async () => connection.refuse(new Error('Refresh token has expired'));
    const error = await thrownBy(() => mint(connection.process()));
    expect(error.cause).toMatchObject({ message: 'Refresh token has expired' });
  });

  it('ends nothing if another process has exchanged it', async () => {
    connection.respond = async () => {
      const version = (await connection.stored.load(KEY))?.version ?? 0;
      const record = connection.record('2');
      await connection.rows().replace(KEY, version, { record, status: 'active' });
      return connection.refuse();
    };
    expect(await valueOf(connection.process())).toBe('AT-2');
    expect(connection.ends).toEqual([]);
  });

  it('ends nothing if the connection was removed meanwhile', async () => {
    connection.respond = async () => {
      await connection.stored.remove(KEY);
      return connection.refuse();
    };
    expect(await thrownBy(() => mint(connection.process()))).toMatchObject({
      code: 'connection_missing',
    });
    expect(connection.ends).toEqual([]);
  });

  it('ends nothing if another process has recorded the end', async () => {
    connection.respond = async () => {
      const loaded = await connection.rows().load(KEY);
      const { record } = loaded ?? { record: connection.record('none') };
      const content = { record, status: 'reauthorization_required' } as const;
      await connection.rows().replace(KEY, 7, content);
      return connection.refuse();
    };
    expect(await thrownBy(() => mint(connection.process()))).toMatchObject({
      code: 'reauthorization_required',
    });
    expect(connection.ends).toEqual([]);
    expect(await connection.stored.load(KEY)).toMatchObject({ version: 8 });
  });

  it('is not followed by more than 19 others, which another process exchanges each time', async () => {
    let version = 7;
    connection.respond = async () => {
      const record = { ...connection.record(`${version}`), lifetimeMs: 0 };
      await connection.rows().replace(KEY, version++, { record, status: 'active' });
      return connection.refuse();
    };
    expect(await thrownBy(() => mint(connection.process()))).toMatchObject({
      code: 'vault_unavailable',
      cause: { message: 'It reported 20 conflicts in a row.' },
    });
    expect(connection.exchanged).toHaveLength(20);
  });

  it('is not sent again if its end could not be recorded', async () => {
    connection.respond = async () => connection.refuse();
    const { source, recover } = withoutWrites();
    expect(await thrownBy(() => mint(source))).toMatchObject({ code: 'vault_unavailable' });
    recover();
    expect(await thrownBy(() => mint(source))).toMatchObject({ code: 'reauthorization_required' });
    expect(connection.exchanged).toEqual(['RT-1']);
  });

  it('is replaced when the person connects again', async () => {
    connection.respond = async () => connection.refuse();
    const source = connection.process();
    await thrownBy(() => mint(source));
    const version = (await connection.stored.load(KEY))?.version ?? 0;
    const record = connection.record('2');
    await connection.rows().replace(KEY, version, { record, status: 'active' });
    expect(await valueOf(source)).toBe('AT-2');
  });
});

describe('A failed refresh', () => {
  it('ends the lease, and not the connection', async () => {
    connection.runtime.freeze(HOUR_MS);
    connection.respond = async () => {
      throw new Error('503');
    };
    await expect(mint(connection.process())).rejects.toThrow('503');
    await settled();
    connection.respond = async () => connection.grant('RT-2');
    expect(await valueOf(connection.process())).toBe('AT-2');
  });
});

import type { ConnectionRow, ConnectionVault, StateRow } from 'nestjs-box-auth/sql';
import { connectionVaultConformance, MemoryConnectionVault } from 'nestjs-box-auth/testing';
import { describe, expect, it } from 'vitest';
import { FakeRuntime } from '../../support/fake-runtime.js';

type Break = (vault: ConnectionVault) => Partial<ConnectionVault>;

const pause = () => new Promise((resolve) => setImmediate(resolve));

function changedRow(change: (row: ConnectionRow) => ConnectionRow): Break {
  return (vault) => ({
    load: async (key) => {
      const row = await vault.load(key);
      return row && change(row);
    },
  });
}

function folded(fold: (text: string) => string): Break {
  const keyOf = <T extends { owner: string; label: string }>(key: T): T => ({
    ...key,
    owner: fold(key.owner),
    label: fold(key.label),
  });
  return (vault) => ({
    load: (key) => vault.load(keyOf(key)),
    insert: (row) => vault.insert(keyOf(row)),
    replace: (row, version) => vault.replace(keyOf(row), version),
    remove: (key) => vault.remove(keyOf(key)),
    lease: (key, request) => vault.lease(keyOf(key), request),
  });
}

/** Vaults that each break one promise of the port. */
const broken: Readonly<Record<string, Break>> = {
  'ignores case': folded((text) => text.toLowerCase()),
  'ignores accents': folded((text) => text.normalize('NFD').replace(/\p{M}/gu, '')),
  'normalizes text': folded((text) => text.normalize('NFKC')),
  'ignores trailing spaces': folded((text) => text.replace(/ +$/, '')),
  'ignores invisible characters': folded((text) => text.replace(/\p{Cf}/gu, '')),
  'shortens owners': folded((text) => text.slice(0, 254)),
  'stores invalid text as U+FFFD': folded((text) => Buffer.from(text).toString()),
  'ends text at U+0000': folded((text) => text.split('\0')[0] ?? ''),
  'stores versions in 32 bits': changedRow((row) => ({
    ...row,
    version: Math.trunc(row.version) % 2 ** 31,
  })),
  'returns numbers as text': changedRow((row) => ({
    ...row,
    version: String(row.version) as never,
  })),
  'returns more columns': changedRow((row) => ({ ...row, lease: undefined }) as never),
  'shortens sealed': changedRow((row) => ({ ...row, sealed: row.sealed.slice(0, 16_383) })),
  'shortens keyId': changedRow((row) => ({ ...row, keyId: row.keyId.slice(0, 63) })),
  'lists the connections of the current key, too': (vault) => ({
    listOtherKeys: (request) => vault.listOtherKeys({ ...request, keyId: '' }),
  }),
  'counts only the connections that it lists': (vault) => ({
    listOtherKeys: async (request) => {
      const { rows } = await vault.listOtherKeys(request);
      return { rows, total: rows.length };
    },
  }),
  'replaces by insert': (vault) => ({
    insert: async (row) => {
      await vault.remove(row);
      return await vault.insert(row);
    },
  }),
  'inserts by replace': (vault) => ({
    replace: async (row, version) =>
      (await vault.replace(row, version)) || (await vault.insert(row)),
  }),
  'replaces whichever version': (vault) => ({
    replace: async (row) => vault.replace(row, (await vault.load(row))?.version ?? -1),
  }),
  'replaces every newer version': (vault) => ({
    replace: async (row, version) => {
      const stored = await vault.load(row);
      return (
        stored !== undefined && stored.version >= version && vault.replace(row, stored.version)
      );
    },
  }),
  'inserts in two steps': (vault) => ({
    insert: async (row) => {
      if ((await vault.load(row)) !== undefined) return false;
      await pause();
      await vault.remove(row);
      return await vault.insert(row);
    },
  }),
  'replaces in two steps': (vault) => ({
    replace: async (row, version) => {
      const stored = await vault.load(row);
      await pause();
      const now = await vault.load(row);
      return stored?.version === version && now !== undefined && vault.replace(row, now.version);
    },
  }),
  'keeps the lease of a replaced connection': keepingLeases('replace'),
  'keeps the lease of a removed connection': keepingLeases('remove'),
  'grants each lease': (vault) => ({
    lease: async (key, request) => (await vault.load(key))?.version === request.version,
  }),
  'leases whichever version': (vault) => ({
    lease: async (key, request) =>
      vault.lease(key, { ...request, version: (await vault.load(key))?.version ?? 0 }),
  }),
  'rounds leases up to an hour': (vault) => ({
    lease: (key, request) => vault.lease(key, { ...request, leaseMs: 3_600_000 }),
  }),
  'ends leases early': (vault) => ({
    lease: (key, request) => vault.lease(key, { ...request, leaseMs: request.leaseMs / 2 }),
  }),
  'refuses fractions of leaseMs': (vault) => ({
    lease: async (key, request) => {
      if (!Number.isInteger(request.leaseMs)) throw new Error('invalid input syntax for bigint');
      return await vault.lease(key, request);
    },
  }),
  'changes the version by a lease': (vault) => ({
    lease: async (key, request) => {
      const isGranted = await vault.lease(key, request);
      const row = await vault.load(key);
      if (isGranted && row) await vault.replace({ ...row, version: row.version + 1 }, row.version);
      return isGranted;
    },
  }),
  'ignores the case of holders': (vault) => ({
    lease: (key, request) => vault.lease(key, { ...request, holder: request.holder.toLowerCase() }),
  }),
  'lets other holders release': (vault) => ({
    release: async (key) => {
      const row = await vault.load(key);
      if (row) await vault.replace(row, row.version);
    },
  }),
  'does not release': () => ({ release: () => Promise.resolve() }),
  'does not remove': () => ({ remove: () => Promise.resolve() }),
  'lists in the order of code units': (vault) => ({
    list: async ({ app, after, limit }) => {
      const isAfter = (one: ConnectionRow) =>
        after === undefined ||
        one.owner > after.owner ||
        (one.owner === after.owner && one.label > after.label);
      const rows = (await vault.list({ app, limit: 10_000 })).filter(isAfter);
      const units = (one: ConnectionRow, other: ConnectionRow) =>
        compare(one.owner, other.owner) || compare(one.label, other.label);
      return rows.toSorted(units).slice(0, limit);
    },
  }),
  'repeats the last connection of a page': (vault) => ({
    list: async (request) => {
      const last = request.after && (await vault.load({ app: request.app, ...request.after }));
      return [...(last ? [last] : []), ...(await vault.list(request))].slice(0, request.limit);
    },
  }),
  'continues after the owner': (vault) => ({
    list: (request) =>
      vault.list({
        ...request,
        ...(request.after && { after: { owner: request.after.owner, label: '\u{10ffff}' } }),
      }),
  }),
  'ignores the limit of lists': (vault) => ({
    list: (request) => vault.list({ ...request, limit: 10_000 }),
  }),
  'ignores the limit of idle connections': (vault) => ({
    listIdle: (request) => vault.listIdle({ ...request, limit: 10_000 }),
  }),
  'lists idle connections in any order': (vault) => ({
    listIdle: async (request) => (await vault.listIdle(request)).toReversed(),
  }),
  'lists ended connections as idle': (vault) => ({
    listIdle: async ({ app, refreshedBefore, limit }) =>
      (await vault.list({ app, limit: 10_000 }))
        .filter(({ refreshedAt }) => refreshedAt < refreshedBefore)
        .toSorted((one, other) => one.refreshedAt - other.refreshedAt)
        .slice(0, limit),
  }),
  'lists connections refreshed at that time as idle': (vault) => ({
    listIdle: (request) =>
      vault.listIdle({ ...request, refreshedBefore: request.refreshedBefore + 0.5 }),
  }),
  'counts each use as the first': (vault) => ({
    useState: async (app, hash) => {
      const used = await vault.useState(app, hash);
      return used && { ...used, isFirstUse: true };
    },
  }),
  'counts no use as the first': (vault) => ({
    useState: async (app, hash) => {
      const used = await vault.useState(app, hash);
      return used && { ...used, isFirstUse: false };
    },
  }),
  'uses a sign-in in two steps': usingStates(async (used, uses) => {
    const isFirstUse = !uses.has(used.state.hash);
    await pause();
    uses.add(used.state.hash);
    return { ...used, isFirstUse };
  }),
  'ignores the app of a sign-in': (vault) => ({
    putState: (state) => vault.putState({ ...state, app: 'every app' }),
    useState: (_, hash) => vault.useState('every app', hash),
  }),
  'ignores the case of a hash': (vault) => ({
    putState: (state) => vault.putState({ ...state, hash: state.hash.toLowerCase() }),
    useState: (app, hash) => vault.useState(app, hash.toLowerCase()),
  }),
  'shortens a sign-in': usingStates((used) =>
    Promise.resolve({
      ...used,
      state: { ...used.state, sealed: used.state.sealed.slice(0, 9_999) },
    }),
  ),
};

interface Used {
  readonly state: StateRow;
  readonly isFirstUse: boolean;
}

function usingStates(change: (used: Used, uses: Set<string>) => Promise<Used>): Break {
  const uses = new Set<string>();
  return (vault) => ({
    useState: async (app, hash) => {
      const used = await vault.useState(app, hash);
      return used && (await change(used, uses));
    },
  });
}

function keepingLeases(after: 'replace' | 'remove'): Break {
  const holders = new Map<string, string>();
  const nameOf = ({ app, owner, label }: ConnectionRow) => JSON.stringify([app, owner, label]);
  return (vault) => ({
    lease: async (key, request) => {
      const name = nameOf(key as ConnectionRow);
      const isOfAnother = holders.has(name) && holders.get(name) !== request.holder;
      if (isOfAnother || !(await vault.lease(key, request))) return false;
      holders.set(name, request.holder);
      return true;
    },
    release: (key, holder) => {
      if (holders.get(nameOf(key as ConnectionRow)) === holder) {
        holders.delete(nameOf(key as ConnectionRow));
      }
      return vault.release(key, holder);
    },
    replace: async (row, version) => {
      const isReplaced = await vault.replace(row, version);
      if (isReplaced && after !== 'replace') holders.delete(nameOf(row));
      return isReplaced;
    },
    remove: (key) => {
      if (after !== 'remove') holders.delete(nameOf(key as ConnectionRow));
      return vault.remove(key);
    },
  });
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

describe('The conformance suite finds a vault that', () => {
  it.each(Object.entries(broken))('%s', async (_, breakVault) => {
    const runtime = new FakeRuntime();
    const whole = new MemoryConnectionVault(runtime);
    const changes = breakVault(whole);
    const vault = new Proxy<ConnectionVault>(whole, {
      get: (target, name) => {
        const method: unknown = Reflect.get(changes, name) ?? Reflect.get(target, name);
        return typeof method === 'function' ? (method.bind(target) as unknown) : method;
      },
    });
    const cases = connectionVaultConformance({
      create: () => Promise.resolve(vault),
      advance: (ms) => runtime.advance(ms),
      now: () => runtime.now(),
    });
    const failed: string[] = [];
    for (const { name, run } of cases) {
      await run().catch(() => failed.push(name));
    }
    expect(failed).not.toEqual([]);
  });
});

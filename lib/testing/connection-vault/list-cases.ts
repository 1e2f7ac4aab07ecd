import assert from 'node:assert/strict';
import type { ConnectionRow, ConnectionVault } from '../../core/connections/connection-vault.js';
import { SIMILAR_TEXTS } from './connection-cases.js';
import { insertRow, longestText, rowOf, type VaultCases } from './connection-vault-harness.js';

/** Which connections are listed, and in which order. */
export const listCases: VaultCases = {
  'lists the connections in the order of owner and label by code points': async (context) => {
    const { vault, app } = context;
    const owners = [...SIMILAR_TEXTS, longestText(1), longestText(2)];
    const positions = [
      ...owners.map((owner) => ({ owner, label: '' })),
      ...['b', 'B', 'b ', 'ä', '😀', '\uffee'].map((label) => ({ owner: 'a', label })),
    ];
    const expected = positions.toSorted(
      (one, other) => compareBytes(one.owner, other.owner) || compareBytes(one.label, other.label),
    );
    const byLabel = positions.toSorted((one, other) =>
      compareBytes(`${other.label} ${other.owner}`, `${one.label} ${one.owner}`),
    );
    for (const position of byLabel) await insertRow(context, position);
    const all = await vault.list({ app, limit: positions.length + 1 });
    assert.deepEqual(all.map(positionOf), expected);
    for (const limit of [1, 7]) {
      assert.deepEqual(
        (await pagesOf(vault, app, limit, positions.length)).map(positionOf),
        expected,
      );
    }
  },

  'lists whole connections, and at most as many as requested': async (context) => {
    const { vault, app } = context;
    const rows: ConnectionRow[] = [];
    for (const owner of ['a', 'b', 'c']) {
      rows.push(await insertRow(context, { owner, sealed: `of ${owner}` }));
    }
    assert.deepEqual(await vault.list({ app, limit: 2 }), rows.slice(0, 2));
    assert.deepEqual(await vault.list({ app, limit: 3 }), rows);
    assert.deepEqual(await vault.list({ app: `${app}-other`, limit: 3 }), []);
  },

  'continues after a connection that was removed or never existed': async (context) => {
    const { vault, app } = context;
    for (const owner of ['a', 'c']) await insertRow(context, { owner });
    const after = async (owner: string, label = '') =>
      (await vault.list({ app, after: { owner, label }, limit: 9 })).map(positionOf);
    assert.deepEqual(await after('b'), [{ owner: 'c', label: '' }]);
    assert.deepEqual(await after('a', 'x'), [{ owner: 'c', label: '' }]);
    await vault.remove(rowOf(app, { owner: 'a' }));
    assert.deepEqual(await after('a'), [{ owner: 'c', label: '' }]);
    assert.deepEqual(await after('c'), []);
  },

  'lists idle connections, the longest idle first': async (context) => {
    const { vault, app } = context;
    const base = 1_767_225_600_000;
    for (const [owner, refreshedAt] of Object.entries({
      a: base + 3,
      b: base + 1,
      c: base + 2,
      d: base + 10,
      e: 9,
    })) {
      await insertRow(context, { owner, refreshedAt });
    }
    await insertRow(context, { owner: 'f', refreshedAt: 1, status: 'reauthorization_required' });
    await insertRow({ vault, app: `${app}-other` }, { owner: 'g', refreshedAt: 1 });
    const idle = async (refreshedBefore: number, limit: number) =>
      (await vault.listIdle({ app, refreshedBefore, limit })).map(({ owner }) => owner);
    assert.deepEqual(await idle(base + 100, 100), ['e', 'b', 'c', 'a', 'd']);
    assert.deepEqual(await idle(base + 3, 100), ['e', 'b', 'c']);
    assert.deepEqual(await idle(base + 3.5, 100), ['e', 'b', 'c', 'a']);
    assert.deepEqual(await idle(base + 100, 2), ['e', 'b']);
    assert.deepEqual(await idle(9, 100), []);
  },

  'lists and counts the connections that another key encrypts': async (context) => {
    const { vault, app } = context;
    const keyIds = { a: 'new', b: 'old', c: 'NEW', d: 'new ', e: 'older', f: 'new' };
    for (const [owner, keyId] of Object.entries(keyIds)) await insertRow(context, { owner, keyId });
    await insertRow({ vault, app: `${app}-other` }, { owner: 'g', keyId: 'old' });
    const others = async (limit: number) => {
      const { rows, total } = await vault.listOtherKeys({ app, keyId: 'new', limit });
      return { owners: rows.map(({ owner }) => owner).toSorted(), total };
    };
    assert.deepEqual(await others(9), { owners: ['b', 'c', 'd', 'e'], total: 4 });
    const some = await others(2);
    assert.equal(some.owners.length, 2);
    assert.equal(some.total, 4);
  },

  'lists an idle connection as it was last replaced': async (context) => {
    const { vault, app } = context;
    const row = await insertRow(context, { refreshedAt: 1 });
    const request = { app, refreshedBefore: 100, limit: 10 };
    assert.deepEqual(await vault.listIdle(request), [row]);
    const ended = { ...row, version: 2, status: 'reauthorization_required' } as const;
    await vault.replace(ended, 1);
    assert.deepEqual(await vault.listIdle(request), []);
    const active = { ...row, version: 3, refreshedAt: 99 };
    await vault.replace(active, 2);
    assert.deepEqual(await vault.listIdle(request), [active]);
    await vault.replace({ ...active, version: 4, refreshedAt: 100 }, 3);
    assert.deepEqual(await vault.listIdle(request), []);
  },
};

/** All pages; no more than needed, as a vault that repeats connections would never end. */
async function pagesOf(vault: ConnectionVault, app: string, limit: number, total: number) {
  const rows: ConnectionRow[] = [];
  while (rows.length <= total) {
    const page = await vault.list({ app, after: rows.at(-1), limit });
    rows.push(...page);
    if (page.length < limit) break;
  }
  return rows;
}

function positionOf({ owner, label }: ConnectionRow) {
  return { owner, label };
}

function compareBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

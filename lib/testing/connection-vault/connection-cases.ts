import assert from 'node:assert/strict';
import type { ConnectionKey } from '../../core/connections/connection-vault.js';
import {
  ASCII,
  expectRow,
  fiftyTimes,
  insertRow,
  leaseFor,
  longestText,
  onlyWinner,
  rowOf,
  sizedText,
  type VaultCases,
} from './connection-vault-harness.js';

/** Texts that a collation, a padding rule or a careless key would confuse. */
export const SIMILAR_TEXTS: readonly string[] = [
  ['a', 'A', 'ä', 'a\u0308', 'á', 'à', 'ª', 'ａ', 'а', 'a ', 'a  ', ' a', 'a\t', 'a\n'],
  ['a\u200b', 'a\u00ad', 'ß', 'ss', 'SS', 'ﬁ', 'fi', 'i', 'I', 'ı', 'İ', 'ñ', 'n', '漢', '汉'],
  ['😀', '😁', '\ufffd', '\uffee', '0', '00', '10', '1e1', '-0', 'null', '__proto__'],
  ['%', '_', 'a%', 'a_', '\\', "'", '"', '""', "''", '`', '?', '$1', ':a', '--', 'a/b', '{}'],
].flat();

/** How connections are added, read, replaced and removed. */
export const connectionCases: VaultCases = {
  'returns an added connection unchanged, through any handle': async (context) => {
    const { vault } = context;
    const row = await insertRow(context, {
      owner: `${ASCII} ünï 漢 😀`,
      label: 'a label ',
      version: Number.MAX_SAFE_INTEGER,
      refreshedAt: 8_640_000_000_000_000,
      keyId: sizedText(64),
      sealed: sizedText(16_384),
    });
    await expectRow(vault, row, row);
    await expectRow(await context.create(), row, row);
  },

  'knows no connection before it is added': async ({ vault, app }) => {
    await expectRow(vault, rowOf(app), undefined);
  },

  'adds a connection once': async (context) => {
    const { vault, app } = context;
    const row = await insertRow(context);
    assert.equal(await vault.insert(rowOf(app, { version: 9, sealed: 'another' })), false);
    await expectRow(vault, row, row);
  },

  'replaces a connection that has the expected version': async (context) => {
    const { vault, app } = context;
    await insertRow(context);
    const next = rowOf(app, {
      version: 2,
      status: 'reauthorization_required',
      refreshedAt: 1_767_225_600_124,
      keyId: 'key-2',
      sealed: 'sealed-2',
    });
    assert.equal(await vault.replace(next, 1), true);
    await expectRow(await context.create(), next, next);
  },

  'does not replace a connection that has another version': async (context) => {
    const { vault, app } = context;
    const row = await insertRow(context, { version: 5 });
    for (const expected of [4, 6]) {
      const late = rowOf(app, { version: expected + 1, sealed: 'late' });
      assert.equal(await vault.replace(late, expected), false);
    }
    await expectRow(vault, row, row);
  },

  'does not add a connection by replacing it': async ({ vault, app }) => {
    assert.equal(await vault.replace(rowOf(app, { version: 2 }), 1), false);
    await expectRow(vault, rowOf(app), undefined);
  },

  'removes a connection, whichever version it has': async (context) => {
    const { vault, app } = context;
    const row = await insertRow(context, { version: 3 });
    const other = await insertRow(context, { label: 'other' });
    await vault.remove(row);
    await vault.remove(row);
    await expectRow(await context.create(), row, undefined);
    assert.equal(await vault.replace(rowOf(app, { version: 4 }), 3), false);
    await expectRow(vault, row, undefined);
    await expectRow(vault, other, other);
  },

  'adds a connection again after its removal, without the old lease': async (context) => {
    const { vault } = context;
    await leaseFor(vault, await insertRow(context), 'old');
    await vault.remove(rowOf(context.app));
    const row = await insertRow(context, { version: 100, sealed: 'again' });
    await expectRow(vault, row, row);
    assert.equal(await leaseFor(vault, row, 'new'), true);
  },

  'keeps similar owners and labels apart': async (context) => {
    const { vault, app } = context;
    const keys: ConnectionKey[] = SIMILAR_TEXTS.flatMap((text) => [
      { app, owner: text, label: '' },
      { app, owner: 'owner', label: text },
    ]);
    for (const [index, key] of keys.entries()) {
      await insertRow(context, { ...key, sealed: `of ${index}` });
    }
    for (const [index, key] of keys.entries()) {
      const row = rowOf(app, { ...key, sealed: `of ${index}` });
      await expectRow(vault, key, row);
      assert.equal(await vault.replace({ ...row, version: 2 }, 1), true);
      await expectRow(vault, key, { ...row, version: 2 });
    }
    await vault.remove({ app, owner: 'a', label: '' });
    assert.equal((await vault.list({ app, limit: 1_000 })).length, keys.length - 1);
  },

  'keeps owner and label apart from each other': async (context) => {
    const { vault, app } = context;
    const pairs = [
      ['ab', 'c'],
      ['a', 'bc'],
      ['a:b', 'c'],
      ['a', 'b:c'],
      ['abc', ''],
    ] as const;
    for (const [owner, label] of pairs) await insertRow(context, { owner, label, sealed: owner });
    for (const [owner, label] of pairs) {
      await expectRow(vault, { app, owner, label }, rowOf(app, { owner, label, sealed: owner }));
    }
  },

  'keeps apps apart': async (context) => {
    const { vault, app } = context;
    const apps = [app, app.toUpperCase(), `${app} `, `${app}%`, app.slice(0, -1)];
    for (const one of apps) await insertRow({ vault, app: one }, { sealed: `of ${one}` });
    for (const one of apps) {
      const row = rowOf(one, { sealed: `of ${one}` });
      await expectRow(vault, row, row);
      assert.deepEqual(await vault.list({ app: one, limit: 10 }), [row]);
    }
    await vault.remove(rowOf(app));
    await expectRow(vault, rowOf(`${app} `), rowOf(`${app} `, { sealed: `of ${app} ` }));
  },

  'accepts the longest app, owner and label': async ({ vault, app }) => {
    const longApp = app.padEnd(255, '~');
    const rows = [1, 2].map((seed) =>
      rowOf(longApp, { owner: longestText(seed), label: longestText(3), sealed: `of ${seed}` }),
    );
    for (const row of rows) assert.equal(await vault.insert(row), true);
    for (const row of rows) {
      await expectRow(vault, row, row);
      assert.equal(await leaseFor(vault, row, 'holder'), true);
    }
  },

  'rejects or keeps characters that are not valid text, but never confuses them': async (
    context,
  ) => {
    const { vault, app } = context;
    const owners = ['a\0', 'a\0b', 'a\ud800', 'a\ud801', 'a\ufffd', 'a'];
    for (const [index, owner] of owners.entries()) {
      const row = rowOf(app, { owner, sealed: `of ${index}` });
      const isAdded = await vault.insert(row).catch(() => undefined);
      if (isAdded === undefined) await assert.rejects(vault.load(row));
      else await expectRow(vault, row, row);
    }
  },

  'lets one of fifty concurrent calls add a connection': async (context) => {
    const { vault, app } = context;
    const winner = onlyWinner(
      await fiftyTimes(context, (handle, index) =>
        handle.insert(rowOf(app, { sealed: `of ${index}` })),
      ),
    );
    await expectRow(vault, rowOf(app), rowOf(app, { sealed: `of ${winner}` }));
  },

  'lets one of fifty concurrent calls replace a version': async (context) => {
    const { vault, app } = context;
    await insertRow(context);
    const winner = onlyWinner(
      await fiftyTimes(context, (handle, index) =>
        handle.replace(rowOf(app, { version: 2, sealed: `of ${index}` }), 1),
      ),
    );
    await expectRow(vault, rowOf(app), rowOf(app, { version: 2, sealed: `of ${winner}` }));
  },

  'loses no change of concurrent writers': async (context) => {
    const { vault, app } = context;
    await insertRow(context, { version: 0 });
    const written = await fiftyTimes(context, async (handle, index) => {
      const row = await handle.load(rowOf(app));
      if (row === undefined) return false;
      const next = { ...row, version: row.version + 1, sealed: `of ${index}` };
      return await handle.replace(next, row.version);
    });
    const row = await vault.load(rowOf(app));
    assert.equal(row?.version, written.filter(Boolean).length);
  },
};

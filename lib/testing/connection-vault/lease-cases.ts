import assert from 'node:assert/strict';
import {
  expectRow,
  fiftyTimes,
  insertRow,
  leaseFor,
  MINUTE,
  onlyWinner,
  rowOf,
  type VaultCases,
} from './connection-vault-harness.js';

/** The lease of a connection. */
export const leaseCases: VaultCases = {
  'grants a lease to one holder, through any handle': async (context) => {
    const { vault } = context;
    const row = await insertRow(context);
    assert.equal(await leaseFor(vault, row, 'first'), true);
    assert.equal(await leaseFor(vault, row, 'second'), false);
    assert.equal(await leaseFor(await context.create(), row, 'second'), false);
  },

  'grants the lease of each connection separately': async (context) => {
    const { vault } = context;
    const row = await insertRow(context);
    const other = await insertRow(context, { label: 'other' });
    assert.equal(await leaseFor(vault, row, 'first'), true);
    assert.equal(await leaseFor(vault, other, 'second'), true);
  },

  'leaves the connection unchanged by leases': async (context) => {
    const { vault } = context;
    const row = await insertRow(context);
    await leaseFor(vault, row, 'first');
    await expectRow(vault, row, row);
    await vault.release(row, 'first');
    await expectRow(vault, row, row);
    await leaseFor(vault, row, 'first');
    assert.equal(await vault.replace({ ...row, version: 2 }, 1), true);
  },

  'grants no lease on another version or on a missing connection': async (context) => {
    const { vault, app } = context;
    const row = await insertRow(context, { version: 5 });
    assert.equal(await leaseFor(vault, { ...row, version: 4 }, 'first'), false);
    assert.equal(await leaseFor(vault, { ...row, version: 6 }, 'first'), false);
    assert.equal(await leaseFor(vault, rowOf(app, { owner: 'bob' }), 'first'), false);
    assert.equal(await leaseFor(vault, row, 'second'), true);
  },

  'ends a lease when its time is over': async (context) => {
    const { vault } = context;
    const row = await insertRow(context);
    await leaseFor(vault, row, 'first');
    await context.advance(0.75 * MINUTE);
    assert.equal(await leaseFor(vault, row, 'second'), false);
    await context.advance(0.25 * MINUTE + 1);
    assert.equal(await leaseFor(vault, row, 'second'), true);
    assert.equal(await leaseFor(vault, row, 'first'), false);
  },

  'grants its holder the lease for another leaseMs': async (context) => {
    const { vault } = context;
    const row = await insertRow(context);
    for (let extended = 0; extended < 3; extended++) {
      assert.equal(await leaseFor(vault, row, 'first'), true);
      assert.equal(await leaseFor(vault, row, 'first'), true);
      await context.advance(0.75 * MINUTE);
    }
    assert.equal(await leaseFor(vault, row, 'second'), false);
    await leaseFor(vault, row, 'first', 10 * MINUTE);
    await leaseFor(vault, row, 'first', MINUTE);
    await context.advance(2 * MINUTE);
    assert.equal(await leaseFor(vault, row, 'second'), true);
  },

  'accepts a leaseMs with a fraction': async (context) => {
    const { vault } = context;
    const row = await insertRow(context);
    assert.equal(await leaseFor(vault, row, 'first', 59_999.5), true);
    assert.equal(await leaseFor(vault, row, 'second'), false);
  },

  'keeps similar holders apart': async (context) => {
    const { vault } = context;
    const row = await insertRow(context);
    await leaseFor(vault, row, 'holder');
    for (const holder of ['Holder', 'holder ', 'hölder', ' holder']) {
      assert.equal(await leaseFor(vault, row, holder), false);
      await vault.release(row, holder);
    }
    assert.equal(await leaseFor(vault, row, 'second'), false);
  },

  'ends a lease when its holder releases it': async (context) => {
    const { vault, app } = context;
    const row = await insertRow(context);
    await leaseFor(vault, row, 'first');
    await vault.release(row, 'second');
    await vault.release(rowOf(app, { owner: 'bob' }), 'first');
    assert.equal(await leaseFor(vault, row, 'second'), false);
    await (await context.create()).release(row, 'first');
    assert.equal(await leaseFor(vault, row, 'second'), true);
    await vault.release(row, 'first');
    assert.equal(await leaseFor(vault, row, 'third'), false);
  },

  'ends the lease when the connection is replaced, but not when that fails': async (context) => {
    const { vault } = context;
    const row = await insertRow(context);
    await leaseFor(vault, row, 'first');
    assert.equal(await vault.replace({ ...row, version: 9 }, 8), false);
    assert.equal(await leaseFor(vault, row, 'second'), false);
    const next = { ...row, version: 2 };
    assert.equal(await vault.replace(next, 1), true);
    assert.equal(await leaseFor(vault, next, 'second'), true);
  },

  'replaces a connection without its lease': async (context) => {
    const { vault } = context;
    const row = await insertRow(context);
    await leaseFor(vault, row, 'first');
    assert.equal(await (await context.create()).replace({ ...row, version: 2 }, 1), true);
  },

  'grants one of fifty concurrent calls the lease': async (context) => {
    const row = await insertRow(context);
    const winner = onlyWinner(
      await fiftyTimes(context, (vault, index) => leaseFor(vault, row, `holder ${index}`)),
    );
    assert.equal(await leaseFor(context.vault, row, `holder ${winner}`), true);
  },
};

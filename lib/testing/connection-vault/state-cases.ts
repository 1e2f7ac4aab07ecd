import assert from 'node:assert/strict';
import {
  fiftyTimes,
  hashOf,
  HOUR,
  MINUTE,
  onlyWinner,
  putState,
  sizedText,
  type VaultCases,
} from './connection-vault-harness.js';

/** How sign-ins begin and end. */
export const stateCases: VaultCases = {
  'returns a sign-in unchanged, as unused, through any handle': async (context) => {
    const state = await putState(context, { sealed: sizedText(16_384) });
    const used = await (await context.create()).useState(state.app, state.hash);
    assert.deepEqual(used, { state, isFirstUse: true });
  },

  'reports every other use of a sign-in as such': async (context) => {
    const { vault, app } = context;
    const state = await putState(context);
    await vault.useState(app, state.hash);
    for (const handle of [vault, await context.create(), vault]) {
      assert.deepEqual(await handle.useState(app, state.hash), { state, isFirstUse: false });
    }
  },

  'knows no sign-in with another hash or of another app': async (context) => {
    const { vault, app } = context;
    const { hash } = await putState(context);
    assert.equal(await vault.useState(app, hashOf('other')), undefined);
    assert.equal(await vault.useState(app, hash.toLowerCase()), undefined);
    assert.equal(await vault.useState(app, `${hash} `), undefined);
    assert.equal(await vault.useState(`${app} `, hash), undefined);
    assert.equal(await vault.useState(app.toUpperCase(), hash), undefined);
    assert.equal((await vault.useState(app, hash))?.isFirstUse, true);
  },

  'keeps sign-ins apart': async (context) => {
    const { vault, app } = context;
    const names = ['state', 'State', 'STATE'];
    for (const name of names) await putState(context, { hash: hashOf(name), sealed: name });
    for (const name of names) {
      const used = await vault.useState(app, hashOf(name));
      assert.equal(used?.isFirstUse, true);
      assert.equal(used.state.sealed, name);
    }
  },

  'keeps a sign-in for an hour after its expiry, used or not, and deletes it with a later one':
    async (context) => {
      const { vault, app } = context;
      for (const name of ['used', 'unused']) await putState(context, { hash: hashOf(name) });
      await vault.useState(app, hashOf('used'));
      await context.advance(10 * MINUTE + 0.9 * HOUR);
      await putState(context, { hash: hashOf('within an hour') });
      assert.equal((await vault.useState(app, hashOf('used')))?.isFirstUse, false);
      assert.equal((await vault.useState(app, hashOf('unused')))?.isFirstUse, true);
      await context.advance(0.1 * HOUR + MINUTE);
      await putState({ ...context, app: `${app}-other` });
      for (const name of ['used', 'unused']) {
        assert.equal(await vault.useState(app, hashOf(name)), undefined);
      }
      assert.equal((await vault.useState(app, hashOf('within an hour')))?.isFirstUse, true);
    },

  'lets one of fifty concurrent calls use a sign-in first': async (context) => {
    const state = await putState(context);
    const outcomes = await fiftyTimes(context, (vault) => vault.useState(state.app, state.hash));
    onlyWinner(outcomes.map((used) => used?.isFirstUse === true));
    for (const used of outcomes) assert.deepEqual(used?.state, state);
  },

  'adds fifty sign-ins at once, while expired ones are deleted': async (context) => {
    const { vault, app, now } = context;
    for (let index = 0; index < 10; index++) {
      await putState(context, { hash: hashOf(`old ${index}`), expiresAt: now() - 0.5 * HOUR });
    }
    await context.advance(HOUR);
    await fiftyTimes(context, (handle, index) =>
      putState({ ...context, vault: handle }, { hash: hashOf(`new ${index}`) }),
    );
    for (let index = 0; index < 50; index++) {
      assert.equal((await vault.useState(app, hashOf(`new ${index}`)))?.isFirstUse, true);
    }
    assert.equal(await vault.useState(app, hashOf('old 1')), undefined);
  },
};

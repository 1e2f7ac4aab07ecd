import { beforeEach, describe, expect, it } from 'vitest';
import { GuardedVault } from '../../../lib/core/connections/guarded-vault.js';
import { hashOf, hashOfBinding } from '../../../lib/core/connections/owner.js';
import { SignInStates } from '../../../lib/core/connections/sign-in-states.js';
import { SecretSeal } from '../../../lib/core/sealing/secret-seal.js';
import { MemoryConnectionVault } from '../../../lib/testing/connection-vault/memory-connection-vault.js';
import { VAULT_SECRET } from '../../support/connections.js';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { thrownBy } from '../../support/thrown.js';

const claim = { owner: 'ann', binding: hashOfBinding('the session of ann') };
const signIn = { ...claim, label: 'work', returnTo: '/files' };
const seal = new SecretSeal('vault', [VAULT_SECRET]);
const UNKNOWN_STATE = 'A'.repeat(43);

let runtime: FakeRuntime;
let vault: MemoryConnectionVault;
beforeEach(() => {
  runtime = new FakeRuntime();
  vault = new MemoryConnectionVault(runtime);
});

const statesOf = (app = 'app', rowSeal = seal) =>
  new SignInStates(app, new GuardedVault(vault, runtime), rowSeal, runtime);
const begin = async () => (await statesOf().begin(signIn)).state;
const refusal = (reason: string) => ({
  code: 'state_invalid',
  message: `This sign-in cannot be completed: ${reason}.`,
});

describe('A state', () => {
  it('returns its sign-in, with the verifier of the challenge, once', async () => {
    const { state, challenge } = await statesOf().begin(signIn);
    const { verifier, ...used } = await statesOf().use(state, claim);
    expect(used).toEqual(signIn);
    expect(verifier).toMatch(/^[\w-]{43}$/);
    expect(hashOf(verifier)).toBe(challenge);
    expect(await thrownBy(() => statesOf().use(state, claim))).toMatchObject({
      code: 'state_used',
    });
  });

  it('and its challenge differ each time', async () => {
    const all = await Promise.all([1, 2, 3].map(() => statesOf().begin(signIn)));
    expect(new Set(all.flatMap(({ state, challenge }) => [state, challenge])).size).toBe(6);
  });

  it('is in the vault only as a hash, with whole milliseconds', async () => {
    runtime.jump(0.7);
    const state = await begin();
    const used = await vault.useState('app', hashOf(state));
    const { expiresAt, sealed, ...row } = used?.state ?? {};
    expect(row).toEqual({ app: 'app', hash: hashOf(state) });
    expect(expiresAt).toBe(Math.floor(runtime.now()) + 600_000);
    expect(sealed).not.toContain(state);
  });

  it('works for less than ten minutes', async () => {
    const [first, second] = [await begin(), await begin()];
    runtime.jump(599_999);
    expect(await statesOf().use(first, claim)).toMatchObject({ owner: 'ann' });
    runtime.jump(1);
    expect(await thrownBy(() => statesOf().use(second, claim))).toMatchObject({
      code: 'state_expired',
    });
  });

  it.each([
    undefined,
    null,
    7,
    '',
    'A'.repeat(42),
    'A'.repeat(44),
    `${'A'.repeat(42)}=`,
    [UNKNOWN_STATE],
  ])('cannot be %j, and the vault is not asked', async (state) => {
    vault.useState = () => Promise.reject(new Error('asked'));
    expect(await thrownBy(() => statesOf().use(state, claim))).toMatchObject(
      refusal('the callback has no state of this app'),
    );
  });

  it('must be known to the app', async () => {
    const unknown = refusal('the state of the callback is unknown');
    const state = await begin();
    expect(await thrownBy(() => statesOf().use(UNKNOWN_STATE, claim))).toMatchObject(unknown);
    expect(await thrownBy(() => statesOf('other').use(state, claim))).toMatchObject(unknown);
  });

  it.each([
    ['another browser', { ...claim, binding: hashOfBinding('the session of eve') }],
    ['another person', { ...claim, owner: 'eve' }],
  ])('does not work in the sign-in of %s', async (subject, other) => {
    const state = await begin();
    expect(await thrownBy(() => statesOf().use(state, other))).toMatchObject(
      refusal(`${subject} has begun the sign-in`),
    );
  });
});

describe('A stored sign-in', () => {
  const unreadable = {
    code: 'vault_unreadable',
    message: 'The vault contains a sign-in that cannot be decrypted.',
  };

  it('is unreadable with another secret', async () => {
    const state = await begin();
    const other = statesOf('app', new SecretSeal('vault', [`${VAULT_SECRET}+`]));
    expect(await thrownBy(() => other.use(state, claim))).toMatchObject(unreadable);
  });

  it.each(['expiry', 'state', 'app'])('is unreadable with the %s of another', async (field) => {
    const state = await begin();
    const hash = hashOf(state);
    const used = await vault.useState('app', hash);
    const row = { app: 'app', hash, expiresAt: 0, sealed: '', ...used?.state };
    const change = {
      expiry: { expiresAt: row.expiresAt + 1 },
      state: { hash: hashOf(UNKNOWN_STATE) },
      app: { app: 'other' },
    }[field];
    const changed = { ...row, ...change };
    await vault.putState(changed);
    const states = statesOf(changed.app);
    const sent = field === 'state' ? UNKNOWN_STATE : state;
    expect(await thrownBy(() => states.use(sent, claim))).toMatchObject(unreadable);
  });

  it.each(['no JSON', 'null', '{"owner":"ann"}'])('is unreadable as %s', async (text) => {
    const state = await begin();
    const states = statesOf('app', { keyId: 'id', seal: () => '', open: () => text } as never);
    expect(await thrownBy(() => states.use(state, claim))).toMatchObject(unreadable);
  });
});

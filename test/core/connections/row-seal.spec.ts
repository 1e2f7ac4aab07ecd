import { beforeEach, describe, expect, it } from 'vitest';
import { EnvelopeSeal, type KeyWrapper } from '../../../lib/core/connections/row-seal.js';
import { SecretSeal } from '../../../lib/core/sealing/secret-seal.js';
import { VAULT_SECRET } from '../../support/connections.js';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { thrownBy } from '../../support/thrown.js';

const BOUND = ['connection', 'app', 'ann', '', '1'];
const flip = (bytes: Uint8Array) => bytes.map((byte) => byte ^ 0x5a);
const never = () => new Promise<never>(() => undefined);

let runtime: FakeRuntime;
let wraps: number;
let unwraps: number;
beforeEach(() => {
  runtime = new FakeRuntime();
  wraps = 0;
  unwraps = 0;
});

/** A key management service that works like the real ones, but whose cipher is XOR. */
const service: KeyWrapper = {
  wrap: async (key) => {
    wraps += 1;
    expect(key).toHaveLength(32);
    return flip(key);
  },
  unwrap: async (wrapped) => {
    unwraps += 1;
    return flip(wrapped);
  },
};

const sealWith = (keys: Partial<KeyWrapper> = {}, secret?: string) =>
  new EnvelopeSeal(
    { ...service, ...keys },
    secret === undefined ? undefined : new SecretSeal('vault', [secret]),
    runtime,
  );

describe('A seal with keys', () => {
  it('encrypts with one data key per process, and has one look-up for each key that it reads', async () => {
    const seal = sealWith();
    const sealed = await Promise.all([1, 2, 3].map((each) => seal.seal(`row ${each}`, BOUND)));
    expect(wraps).toBe(1);
    expect(sealed.join()).not.toContain('row');
    const other = sealWith();
    expect(await Promise.all(sealed.map((each) => other.open(each, BOUND)))).toEqual([
      'row 1',
      'row 2',
      'row 3',
    ]);
    expect(unwraps).toBe(1);
    expect(other.keyId).toBe(seal.keyId);
  });

  it('opens a row only with the data that it is bound to', async () => {
    const seal = sealWith();
    const sealed = await seal.seal('row', BOUND);
    expect(await seal.open(sealed, [...BOUND, ''])).toBeUndefined();
    expect(await seal.open(`${sealed}A`, BOUND)).toBeUndefined();
  });

  it('opens the rows of the first release', async () => {
    const wrapped = Buffer.from(flip(new Uint8Array(32))).toString('base64url');
    const inner = 'ex_eKlDEj0MYQiuqYuh-PZqxDR4TwRml8CRMaoWPKg';
    expect(await sealWith().open(`${wrapped}.${inner}`, BOUND)).toBe('row');
  });

  it('opens the rows that a secret encrypted before, and only with that secret', async () => {
    const old = new SecretSeal('vault', [VAULT_SECRET]).seal('row', BOUND);
    expect(await sealWith({}, VAULT_SECRET).open(old, BOUND)).toBe('row');
    expect(await sealWith({}, `${VAULT_SECRET}+`).open(old, BOUND)).toBeUndefined();
    expect(await sealWith().open(old, BOUND)).toBeUndefined();
    expect(unwraps).toBe(0);
  });
});

describe('A key management service', () => {
  const failures: [string, () => never | Promise<never>, string][] = [
    ['rejects', () => Promise.reject(new Error('no service')), 'no service'],
    [
      'throws',
      () => {
        throw new Error('no service');
      },
      'no service',
    ],
    ['returns no bytes', async () => new Uint8Array() as never, '`keys` returned no bytes.'],
    ['returns text', async () => 'text' as never, '`keys` returned no bytes.'],
  ];

  it.each(failures)('that %s makes the vault unavailable', async (_, fail, message) => {
    const expected = { code: 'vault_unavailable', retryable: true, cause: { message } };
    const sealed = await sealWith().seal('row', BOUND);
    expect(await thrownBy(() => sealWith({ wrap: fail }).seal('row', BOUND))).toMatchObject(
      expected,
    );
    expect(await thrownBy(() => sealWith({ unwrap: fail }).open(sealed, BOUND))).toMatchObject(
      expected,
    );
  });

  it('that gives no result within 5 s makes the vault unavailable', async () => {
    const error = thrownBy(() => sealWith({ wrap: never }).seal('row', BOUND));
    await runtime.advance(4_999);
    expect(runtime.timers).toBe(1);
    await runtime.advance(1);
    expect(await error).toMatchObject({
      code: 'vault_unavailable',
      cause: { message: '`keys` gave no result within 5000 ms.' },
    });
  });

  it('is asked again after it has failed', async () => {
    const sealed = await sealWith().seal('row', BOUND);
    let isAway = true;
    const seal = sealWith({
      wrap: (key) => (isAway ? Promise.reject(new Error('away')) : service.wrap(key)),
      unwrap: (key) => (isAway ? Promise.reject(new Error('away')) : service.unwrap(key)),
    });
    await thrownBy(() => seal.seal('row', BOUND));
    await thrownBy(() => seal.open(sealed, BOUND));
    isAway = false;
    expect(await seal.open(sealed, BOUND)).toBe('row');
    expect(await seal.open(await seal.seal('new row', BOUND), BOUND)).toBe('new row');
  });
});

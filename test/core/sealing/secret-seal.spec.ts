import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SecretSeal } from '../../../lib/core/sealing/secret-seal.js';

const OLD = 'the old secret, 0123456789abcdef0123456789abcdef';
const NEW = 'the new secret, fedcba9876543210fedcba9876543210';
const OTHER = 'another secret, 00112233445566778899aabbccddeeff';
const bound = ['a key', '1', '2'];

function flipped(text: string, index: number, bit: number): string {
  const letter = String.fromCharCode(text.charCodeAt(index) ^ (1 << bit));
  return text.slice(0, index) + letter + text.slice(index + 1);
}

describe('A sealed value', () => {
  const seal = new SecretSeal('vault', [OLD]);
  const anything = fc.string({ unit: 'grapheme', maxLength: 200 });

  it('is decrypted with the data that it is bound to', () => {
    fc.assert(
      fc.property(anything, fc.array(anything), (plain, to) => {
        expect(seal.open(seal.seal(plain, to), to)).toBe(plain);
      }),
    );
  });

  it('is not decrypted if a single bit has changed', () => {
    fc.assert(
      fc.property(anything, fc.nat(), fc.nat(7), (plain, at, bit) => {
        const sealed = seal.seal(plain, bound);
        expect(seal.open(flipped(sealed, at % sealed.length, bit), bound)).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
  });

  it('is not decrypted if it is truncated or extended', () => {
    const sealed = seal.seal('plain', bound);
    for (let length = 0; length < sealed.length; length++) {
      expect(seal.open(sealed.slice(0, length), bound)).toBeUndefined();
    }
    for (const more of ['A', '=', '\n', ' ']) {
      expect(seal.open(sealed + more, bound)).toBeUndefined();
    }
  });

  it('is not decrypted with other bound data', () => {
    const sealed = seal.seal('plain', ['a', 'b']);
    for (const other of [['a'], ['b', 'a'], ['a', 'b', ''], ['ab'], ['a","b'], []]) {
      expect(seal.open(sealed, other)).toBeUndefined();
    }
  });

  it('differs each time', () => {
    const sealed = Array.from({ length: 100 }, () => seal.seal('plain', bound));
    expect(new Set(sealed.map((text) => text.slice(0, 16))).size).toBe(100);
  });

  it('is decrypted with its secret at any position of the list', () => {
    const sealed = new SecretSeal('vault', [NEW, OLD]).seal('plain', bound);
    expect(new SecretSeal('vault', [OTHER, OLD, NEW]).open(sealed, bound)).toBe('plain');
    expect(new SecretSeal('vault', [OLD]).open(sealed, bound)).toBeUndefined();
  });

  it('has a name derived from the last secret, different for each identity', () => {
    expect(new SecretSeal('vault', [NEW, OLD]).nameOf('x')).toBe(seal.nameOf('x'));
    expect(new SecretSeal('vault', [OLD, NEW]).nameOf('x')).not.toBe(seal.nameOf('x'));
    const names = ['', 'x', 'x\0', '\ud800', '\ud801', '\ufffd', 'é', 'e\u0301'];
    expect(new Set(names.map((name) => seal.nameOf(name))).size).toBe(names.length);
    expect(seal.nameOf('x'.repeat(100_000))).toMatch(/^[\w-]{43}$/);
  });

  it('shows which secret encrypts, and never the secret', () => {
    const { keyId } = new SecretSeal('vault', [NEW, OLD]);
    expect(keyId).toMatch(/^[\w-]{8}$/);
    expect(new SecretSeal('vault', [NEW]).keyId).toBe(keyId);
    expect(seal.keyId).not.toBe(keyId);
    expect(new SecretSeal('redis', [NEW]).keyId).not.toBe(keyId);
  });

  it('is not decrypted in another place with the same secret', () => {
    expect(new SecretSeal('redis', [OLD]).open(seal.seal('plain', bound), bound)).toBeUndefined();
  });
});

import * as fc from 'fast-check';

/** Replaces one character of a text by another one of a JWT or of an attacker. */
export function changedAnywhere(text: string): fc.Arbitrary<string> {
  const characters = 'ABCXYZabcxyz0189-_.=+/ ~\u0000é'.split('');
  return fc
    .tuple(fc.nat(text.length - 1), fc.constantFrom(...characters))
    .map(([at, character]) => text.slice(0, at) + character + text.slice(at + 1))
    .filter((changed) => changed !== text);
}

import * as fc from 'fast-check';

/** One character of a text, replaced by another one that a JWT or an attacker may have. */
export function changedAnywhere(text: string): fc.Arbitrary<string> {
  const characters = 'ABCXYZabcxyz0189-_.=+/ ~\u0000é'.split('');
  return fc
    .tuple(fc.nat(text.length - 1), fc.constantFrom(...characters))
    .map(([at, character]) => text.slice(0, at) + character + text.slice(at + 1))
    .filter((changed) => changed !== text);
}

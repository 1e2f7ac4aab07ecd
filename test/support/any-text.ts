import * as fc from 'fast-check';

const FIRST_SURROGATE = 0xd800;
const SURROGATES = 0x800;
const MAX_CODE_POINT = 0x10ffff;

const characters = fc.nat({ max: MAX_CODE_POINT - SURROGATES }).map(characterAt, indexOf);

function characterAt(index: number): string {
  return String.fromCodePoint(index < FIRST_SURROGATE ? index : index + SURROGATES);
}

/** Throws for anything but one character, as fast-check expects. */
function indexOf(value: unknown): number {
  const point = typeof value === 'string' ? (value.codePointAt(0) ?? 0) : 0;
  const index = point < FIRST_SURROGATE ? point : point - SURROGATES;
  if (characterAt(index) !== value) throw new TypeError('This is not one character.');
  return index;
}

/**
 * Text of any Unicode characters. `fc.string({ unit: 'binary' })` generates the same, but first builds a map of all of them:
 * it takes a second and 84 MB in each process.
 */
export function anyText(
  constraints: Omit<fc.StringConstraints, 'unit'> = {},
): fc.Arbitrary<string> {
  return fc.string({ ...constraints, unit: characters });
}

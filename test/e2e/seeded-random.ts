/** Returns reproducible random numbers in [0, 1): mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Returns bytes that do not compress or repeat. */
export function seededBytes(seed: number, length: number): Buffer {
  const random = seededRandom(seed);
  return Buffer.from(
    Uint32Array.from({ length: Math.ceil(length / 4) }, () => random() * 2 ** 32).buffer,
  ).subarray(0, length);
}

/** Shuffles with the Fisher-Yates algorithm. */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const result: T[] = [];
  for (const item of items) result.splice(Math.floor(random() * (result.length + 1)), 0, item);
  return result;
}

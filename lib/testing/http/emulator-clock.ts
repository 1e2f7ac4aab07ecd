const CENTURY_MS = 36_525 * 86_400_000;

/** The clock of the emulated service: the emulator's time plus a skew. */
export class EmulatorClock {
  readonly #now: () => number;
  #skewMs = 0;

  /** @throws RangeError for a skew of more than 100 years */
  constructor(now: () => number, skewMs: number) {
    this.#now = now;
    this.skewMs = skewMs;
  }

  get skewMs(): number {
    return this.#skewMs;
  }

  /** @throws RangeError beyond 100 years */
  set skewMs(skewMs: number) {
    if (!(Math.abs(skewMs) <= CENTURY_MS)) {
      throw new RangeError(
        `Invalid clockSkewMs: expected a number from -${CENTURY_MS} to ${CENTURY_MS}, received ${skewMs}`,
      );
    }
    this.#skewMs = skewMs;
  }

  nowMs(): number {
    return this.#now() + this.skewMs;
  }
}

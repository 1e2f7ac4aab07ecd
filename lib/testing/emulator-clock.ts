/** Box's clock: the emulator's own time and how far Box is ahead of it. */
export class EmulatorClock {
  readonly #now: () => number;
  skewMs: number;

  constructor(now: () => number, skewMs: number) {
    this.#now = now;
    this.skewMs = skewMs;
  }

  nowMs(): number {
    return this.#now() + this.skewMs;
  }
}

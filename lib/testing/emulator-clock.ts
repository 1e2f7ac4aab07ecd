/** The clock of the emulated service: the emulator's own time, and how far the service is ahead of it. */
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

import { BoxEmulator, type BoxEmulatorOptions } from 'nestjs-box-auth/testing';
import { type BoxState, type BreakableBox, type FaultName } from './breakable-box.js';
import { SimulatedTime } from './simulated-time.js';

const MINUTE_MS = 60_000;
const OUTAGE_MS = 30_000;
const CLOCK_SKEW_MS = -5 * MINUTE_MS;

/** A Box emulator in simulated time, and the faults that the page offers. */
export class EmulatedBox implements BreakableBox {
  /** Called after each fault. */
  onChange: (() => void) | undefined;
  #outageEndsAt = 0;
  readonly #forgetting: NodeJS.Timeout;

  static async start(options: BoxEmulatorOptions): Promise<EmulatedBox> {
    const time = new SimulatedTime();
    return new EmulatedBox(await BoxEmulator.start({ ...options, runtime: time }), time);
  }

  private constructor(
    readonly emulator: BoxEmulator,
    readonly time: SimulatedTime,
  ) {
    emulator.onToken = () => (this.#isOut ? { kind: 'unavailable' } : undefined);
    // The emulator records requests for tests.
    this.#forgetting = setInterval(() => emulator.clearRequests(), MINUTE_MS).unref();
  }

  get state(): BoxState {
    return { outageEndsAt: this.#outageEndsAt, clockSkewMs: this.emulator.clockSkewMs };
  }

  break(fault: FaultName, refreshDueInMs: number): void {
    const { emulator, time } = this;
    switch (fault) {
      case 'expire':
        time.aheadMs += 61 * MINUTE_MS;
        break;
      case 'revoke':
        // A token that has replaced a rejected one is kept for 10 s: see docs/token-lifecycle.md.
        time.aheadMs += 10_000;
        emulator.revokeAllTokens();
        break;
      case 'rate-limit':
        time.aheadMs += refreshDueInMs;
        emulator.failNext('token', { kind: 'rate-limit', retryAfter: 3 });
        emulator.failNext('api', { kind: 'rate-limit', retryAfter: 1 }, 3);
        break;
      case 'outage':
        time.aheadMs += refreshDueInMs;
        this.#outageEndsAt = time.now() + OUTAGE_MS;
        break;
      case 'clock':
        time.aheadMs += refreshDueInMs;
        emulator.clockSkewMs = emulator.clockSkewMs === 0 ? CLOCK_SKEW_MS : 0;
        break;
    }
    this.onChange?.();
  }

  stop(): Promise<void> {
    clearInterval(this.#forgetting);
    return this.emulator.stop();
  }

  get #isOut(): boolean {
    return this.time.now() < this.#outageEndsAt;
  }
}

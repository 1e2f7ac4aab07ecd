import { BoxAuth } from '../../box/box-auth.js';
import { systemRuntime } from '../../core/runtime/runtime.js';
import { FakeTransport } from './fake-transport.js';

/** Longer than any pause after a failure, and than a rate limit is remembered. */
const BETWEEN_CHANGES_MS = 180_000;

/** A `BoxAuth` of which nothing leaves the process: whatever an HTTP client sends, `send` answers. */
export class FakeBoxAuth extends BoxAuth {
  override readonly transport = new FakeTransport(this.fetch);
  readonly #clock: FakeClock;
  #isClosed = false;

  constructor(send: typeof fetch) {
    const clock = new FakeClock();
    super({
      credentials: { clientId: 'fake-client', clientSecret: 'fake', enterpriseId: '1' },
      fetch: send,
      // A test sees a refusal at once: no retry mends what it asked for.
      tokenEndpoint: { attempts: 1 },
      // Nor does a pause after a failure, which would not end while a test holds its timers.
      renewal: { minBackoffMs: 0 },
      // `send` answers token requests at once: no time limit is needed, and none is met when a test moves its fake timers.
      runtime: {
        ...systemRuntime,
        now: clock.now,
        monotonic: clock.now,
        schedule: () => () => undefined,
        random: () => 0,
      },
    });
    this.#clock = clock;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  override close(): void {
    this.#isClosed = true;
    super.close();
  }

  /** Ends every pause: a test sees each change of the fake Box at once. */
  moveClockOn(): void {
    this.#clock.aheadMs += BETWEEN_CHANGES_MS;
  }
}

/** Follows `Date`, so that a test that sets the date sees tokens expire. */
class FakeClock {
  aheadMs = 0;
  readonly now = (): number => Date.now() + this.aheadMs;
}

import { BoxAuth } from '../../box/box-auth.js';
import { systemRuntime } from '../../core/runtime/runtime.js';
import { FakeTransport } from './fake-transport.js';

/** Longer than any backoff, and longer than a rate limit lasts. */
const CLOCK_STEP_MS = 180_000;

/** The enterprise of the credentials, and of users of no other enterprise. */
export const OWN_ENTERPRISE = '1';

/** A `BoxAuth` that sends nothing over the network: `send` responds to every request of every HTTP client. */
export class FakeBoxAuth extends BoxAuth {
  override readonly transport = new FakeTransport(this.fetch);
  readonly #clock: FakeClock;
  #isClosed = false;

  constructor(send: typeof fetch) {
    const clock = new FakeClock();
    super({
      credentials: { clientId: 'fake-client', clientSecret: 'fake', enterpriseId: OWN_ENTERPRISE },
      fetch: send,
      // Tests of `tenants` are for the app's own option.
      tenants: () => true,
      // Tests inject failures on purpose, so a retry would not help.
      tokenEndpoint: { attempts: 1 },
      // A backoff would never end while a test uses fake timers.
      renewal: { minBackoffMs: 0 },
      // No timers: `send` responds at once, and none must fire when a test advances fake timers.
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

  /** Ends every backoff and rate limit, so that a test sees a change of the fake Box at once. */
  advanceClock(): void {
    this.#clock.aheadMs += CLOCK_STEP_MS;
  }
}

/** Follows `Date`, so that tokens expire when a test sets the date. */
class FakeClock {
  aheadMs = 0;
  readonly now = (): number => Date.now() + this.aheadMs;
}

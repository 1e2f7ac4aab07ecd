import { BoxAuth } from '../../box/box-auth.js';
import { FakeClock } from './fake-clock.js';
import { FakeTransport } from './fake-transport.js';

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
      runtime: clock.runtime,
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

  advanceClock(): void {
    this.#clock.advance();
  }
}

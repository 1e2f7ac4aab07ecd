import { BoxAuthError } from '../../core/errors/box-auth.error.js';
import type { Runtime } from '../../core/runtime/runtime.js';
import { withTimeLimit } from '../../core/runtime/time-budget.js';
import { boxDocs } from '../box-docs.js';
import type { WebhookDeliveries } from './webhook-deliveries.js';
import type { BoxWebhookEvent } from './webhook-event.js';

const LEASE_MS = 60_000;
const EXTENSION_MS = LEASE_MS / 3;
/** A handler that takes longer than an hour has no lease anymore. Box gives up after two hours. */
const MAX_EXTENSIONS = 180;
const KEEP_MS = 24 * 3_600_000;
const COMMAND_TIMEOUT_MS = 5_000;

/** A verified event whose handler is to run. Call one of the methods when the handler has ended. */
export interface WebhookHandling {
  /** The handler succeeded: repeats are not handled. Never rejects, because Box must get a 2xx now. */
  succeeded(): Promise<void>;
  /** The handler failed: a repeat is handled again. Never rejects. */
  failed(): Promise<void>;
}

/** Whether the handler of a delivery runs, or the response without it: 2xx for `handled`, 503 for `leased`. */
export type WebhookAdmission = WebhookHandling | 'handled' | 'leased';

/** An app without `deliveries` handles each delivery. */
const unrecorded: WebhookHandling = {
  succeeded: async () => undefined,
  failed: async () => undefined,
};

/** Admits each event to its handler once. */
export class WebhookAdmissions {
  constructor(
    private readonly deliveries: WebhookDeliveries | undefined,
    private readonly runtime: Runtime,
  ) {}

  /**
   * Claims an event. An event without an id cannot be recognized again, so it is handled each time.
   *
   * @throws BoxAuthError `store_unavailable` if the record of deliveries does not respond: Box delivers the event again
   */
  async admit({ id, webhook }: BoxWebhookEvent): Promise<WebhookAdmission> {
    const { deliveries, runtime } = this;
    if (deliveries === undefined || id === undefined || id === '') return unrecorded;
    // Two webhooks of an app may report one event.
    const event = `${webhook?.id ?? ''}:${id}`;
    const handling = new LeasedHandling(deliveries, runtime, event);
    const claim = await handling.claim();
    if (claim !== 'claimed') return claim;
    handling.keepLease();
    return handling;
  }
}

class LeasedHandling implements WebhookHandling {
  readonly #owner: string;
  #extensions = 0;
  #stopExtending = (): void => undefined;

  constructor(
    private readonly deliveries: WebhookDeliveries,
    private readonly runtime: Runtime,
    private readonly event: string,
  ) {
    this.#owner = runtime.uniqueId();
  }

  claim() {
    const request = { owner: this.#owner, leaseMs: LEASE_MS };
    return this.#send(() => this.deliveries.claim(this.event, request));
  }

  /** Extends the lease while the handler runs. A crash of the process ends it. */
  keepLease(): void {
    if (this.#extensions >= MAX_EXTENSIONS) return;
    this.#extensions += 1;
    this.#stopExtending = this.runtime.schedule(() => {
      this.claim().catch(ignored);
      this.keepLease();
    }, EXTENSION_MS);
  }

  async succeeded(): Promise<void> {
    this.#stopExtending();
    await this.#send(() => this.deliveries.complete(this.event, KEEP_MS)).catch(ignored);
  }

  async failed(): Promise<void> {
    this.#stopExtending();
    await this.#send(() => this.deliveries.release(this.event, this.#owner)).catch(ignored);
  }

  /** @throws BoxAuthError `store_unavailable` */
  async #send<T>(command: () => Promise<T>): Promise<T> {
    const { runtime } = this;
    try {
      return await withTimeLimit({ runtime, limitMs: COMMAND_TIMEOUT_MS, toError }, async () =>
        command(),
      );
    } catch (error) {
      throw error instanceof BoxAuthError ? error : deliveriesUnavailable(error);
    }
  }
}

/** The lease ends on its own, and Box gets the response of the handler. */
function ignored(): void {}

function toError(): Error {
  return new Error(`No response within ${COMMAND_TIMEOUT_MS} ms.`);
}

function deliveriesUnavailable(cause: unknown): BoxAuthError {
  return new BoxAuthError({
    code: 'store_unavailable',
    message: 'The record of webhook deliveries is unavailable, so the webhook was not handled.',
    hint: 'Check the option `deliveries`: for RedisWebhookDeliveries, that Redis is reachable. Box delivers the webhook again.',
    docs: boxDocs.webhooks,
    retryable: true,
    cause,
  });
}

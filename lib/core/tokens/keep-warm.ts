import { AsyncResource } from 'node:async_hooks';
import type { Runtime } from '../runtime/runtime.js';
import type { RenewalOptions } from './renewal.options.js';
import type { TokenRefresher } from './token-refresher.js';

const MAX_TIMER_MS = 60_000; // a timer stands still while the machine sleeps, but the token expires
const MIN_TIMER_MS = 100;

/** Keeps tokens valid although no caller requests them, until `close`. The timers do not keep the process alive. */
export class KeepWarm {
  /** Cancels the timer of each refresher. */
  readonly #timers = new Map<TokenRefresher, () => void>();
  readonly #asyncScope = new AsyncResource('nestjs-box-auth.KeepWarm');
  #isClosed = false;

  constructor(
    private readonly options: Required<RenewalOptions>,
    private readonly runtime: Runtime,
  ) {}

  add(refresher: TokenRefresher): void {
    if (!this.#timers.has(refresher)) this.#refresh(refresher);
  }

  /** Refreshes an added token that was just invalidated, because its timer is set for the old token. */
  refreshIfMissing(refresher: TokenRefresher): void {
    if (this.#timers.has(refresher) && refresher.usableToken === undefined) {
      this.#refresh(refresher);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const cancel of this.#timers.values()) cancel();
  }

  /** Refreshes the token if that is due, and sets the timer for the next time. */
  #refresh(refresher: TokenRefresher): void {
    if (this.#isClosed) return;
    this.#timers.get(refresher)?.();
    refresher.refreshIfDue();
    const dueInMs = Math.max(refresher.refreshInMs, this.options.minBackoffMs, MIN_TIMER_MS);
    const delayMs = Math.min(dueInMs, MAX_TIMER_MS);
    const refresh = () => this.#refresh(refresher);
    // A timer from the async context of a request would retain that request.
    const cancel = this.#asyncScope.runInAsyncScope(() => this.runtime.schedule(refresh, delayMs));
    this.#timers.set(refresher, cancel);
  }
}

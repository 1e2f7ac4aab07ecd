import { catchError, map, type Observable, of, switchMap } from 'rxjs';
import type { BoxAuthError } from '../errors/box-auth.error.js';
import { after } from '../runtime/after.js';
import type { Runtime } from '../runtime/runtime.js';
import { type CheckedClaim, checkedClaim } from './checked-claim.js';
import { appPausedError } from './store-errors.js';
import type { StoreGuard } from './store-guard.js';
import type { TokenStore } from './token-store.js';

const CLAIM_MS = 1_000;
const PEEK_MS = 1;
const ATTEMPTS = 3;
const BETWEEN_ATTEMPTS_MS = 20;

/** The requests of an app, as far as they can be paused. */
export interface Pausable {
  readonly appIdentity: string | undefined;
  /** Calls `listener` for each pause that a 429 begins here. */
  onPause(listener: (error: BoxAuthError) => void): void;
  pause(error: BoxAuthError): void;
}

/**
 * Shares the pause of a rate limited app with its other processes: a pause of the app's own identity, which has no
 * subject. A store that is away or busy costs no call anything: then each process meets the limit on its own.
 */
export class SharedPause {
  readonly #owner: string;

  constructor(
    private readonly requests: Pausable,
    private readonly store: TokenStore,
    private readonly guard: StoreGuard,
    private readonly runtime: Runtime,
  ) {
    this.#owner = runtime.uniqueId();
    requests.onPause((error) => {
      this.#share(error, ATTEMPTS).subscribe({ error: () => undefined });
    });
  }

  /** Has the requests of this process wait for as long as another process says. Never fails. */
  take(): Observable<void> {
    return this.#claim(PEEK_MS).pipe(
      map((claim) => {
        if (claim?.state === 'paused') this.requests.pause(appPausedError(claim));
      }),
      catchError(() => of(undefined)),
    );
  }

  #share(error: BoxAuthError, attempts: number): Observable<void> {
    return this.#claim(CLAIM_MS).pipe(
      switchMap((claim) => {
        const { appIdentity } = this.requests;
        if (claim?.state === 'claimed' && appIdentity !== undefined) {
          const pauseMs = error.retryAfterMs ?? 0;
          return this.guard.ask(
            () => this.store.fail(appIdentity, this.#owner, pauseMs, error.message),
            () => undefined,
          );
        }
        // Another process looks at this moment: the claim ends with the millisecond.
        return claim?.state === 'leased' && attempts > 1
          ? after(this.runtime, BETWEEN_ATTEMPTS_MS).pipe(
              switchMap(() => this.#share(error, attempts - 1)),
            )
          : of(undefined);
      }),
    );
  }

  /** The port has no way to look without a claim, so a look is a claim of a millisecond. */
  #claim(leaseMs: number): Observable<CheckedClaim | undefined> {
    const { appIdentity } = this.requests;
    return appIdentity === undefined
      ? of(undefined)
      : this.guard.ask(
          () => this.store.claim(appIdentity, { owner: this.#owner, leaseMs, newerThan: 0 }),
          (result) => checkedClaim(result, 0),
        );
  }
}

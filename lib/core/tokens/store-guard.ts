import { catchError, defer, map, type Observable, race, tap, throwError } from 'rxjs';
import type { EmitEvent } from '../events/auth-events.js';
import { sanitizedCause } from '../errors/redact.js';
import type { Runtime } from '../runtime/runtime.js';
import { elapsed } from '../runtime/time-budget.js';

const COMMAND_TIMEOUT_MS = 200;
const MIN_REST_MS = 1_000;
const MAX_REST_MS = 30_000;

/** The store did not do what it was asked: whoever asked goes on without it. */
export class StoreFailure extends Error {}

/**
 * Stands before a store: no command takes longer than 200 ms, and after a failure none is sent for a while (1 s, doubling
 * to 30 s), so that a store that is gone costs nobody time.
 */
export class StoreGuard {
  #failures = 0;
  #restUntil = -Infinity;

  constructor(
    private readonly runtime: Runtime,
    private readonly emit: EmitEvent,
  ) {}

  /** What `read` makes of the result of `command`: one value, or a `StoreFailure`, whatever the two return or throw. */
  ask<T>(command: () => unknown, read: (result: unknown) => T): Observable<T> {
    return defer(() => {
      if (this.#isResting) throw new StoreFailure('it is left alone');
      // For a process that was busy or frozen for longer than that, it is not the store that was slow.
      const late = elapsed(this.runtime, COMMAND_TIMEOUT_MS).pipe(
        map(() => {
          throw new StoreFailure(`no answer within ${COMMAND_TIMEOUT_MS} ms`);
        }),
      );
      const result = defer(async () => read(await command()));
      return race(result, late).pipe(
        tap(() => this.#succeeded()),
        catchError((error: unknown) => {
          this.#failed(error);
          return throwError(() => new StoreFailure('a command failed', { cause: error }));
        }),
      );
    });
  }

  // While it rests, only what was sent before ends: that is neither another failure nor a sign that it is back.
  get #isResting(): boolean {
    return this.runtime.monotonic() < this.#restUntil;
  }

  #succeeded(): void {
    if (this.#failures === 0 || this.#isResting) return;
    this.#failures = 0;
    this.emit({ kind: 'store', state: 'back' });
  }

  #failed(cause: unknown): void {
    if (this.#isResting) return;
    const longest = Math.min(MIN_REST_MS * 2 ** this.#failures, MAX_REST_MS);
    this.#restUntil = this.runtime.monotonic() + longest * (0.5 + this.runtime.random() / 2);
    this.#failures += 1;
    if (this.#failures === 1) {
      this.emit({ kind: 'store', state: 'away', cause: sanitizedCause(cause) });
    }
  }
}

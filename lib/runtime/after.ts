import { map, Observable } from 'rxjs';
import type { Runtime } from './runtime.js';

/** Emits once, after `delayMs` milliseconds of `runtime`. */
export function after(
  runtime: Runtime,
  delayMs: number,
  options?: { readonly holdProcess: boolean },
): Observable<void> {
  return new Observable((subscriber) =>
    runtime.schedule(
      () => {
        subscriber.next();
        subscriber.complete();
      },
      delayMs,
      options,
    ),
  );
}

/** Never emits; fails with what `makeError` makes, after `delayMs` milliseconds: what a race is run against. */
export function failAfter(
  runtime: Runtime,
  delayMs: number,
  makeError: () => Error,
): Observable<never> {
  return after(runtime, delayMs).pipe(
    map(() => {
      throw makeError();
    }),
  );
}

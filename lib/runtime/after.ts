import { map, Observable } from 'rxjs';
import type { Runtime } from './runtime.js';

/** Emits once, after `delayMs` milliseconds of `runtime`. */
export function after(runtime: Runtime, delayMs: number): Observable<void> {
  return new Observable((subscriber) =>
    runtime.schedule(() => {
      subscriber.next();
      subscriber.complete();
    }, delayMs),
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

const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** For somebody who waits: a script that awaits a token must not just end while a retry is due. Returns what ends it. */
export function holdProcess(runtime: Runtime): () => void {
  return runtime.schedule(() => undefined, LONGEST_DELAY_MS, { holdProcess: true });
}

/** `source`, for somebody who waits for it, and the process with them. */
export function awaited<T>(runtime: Runtime, source: Observable<T>): Observable<T> {
  return new Observable((subscriber) => {
    subscriber.add(holdProcess(runtime));
    return source.subscribe(subscriber);
  });
}

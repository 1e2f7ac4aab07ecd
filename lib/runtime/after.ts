import { Observable } from 'rxjs';
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

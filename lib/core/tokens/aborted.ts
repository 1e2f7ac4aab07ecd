import { Observable, share } from 'rxjs';

const known = new WeakMap<AbortSignal, Observable<never>>();

/**
 * Never emits; errors with the signal's reason when it is aborted. All who wait share one listener: a signal may be that of
 * thousands of calls, and Node warns of many listeners as of a leak.
 */
export function aborted(signal: AbortSignal): Observable<never> {
  const abortion = known.get(signal) ?? abortionOf(signal).pipe(share());
  known.set(signal, abortion);
  return abortion;
}

function abortionOf(signal: AbortSignal): Observable<never> {
  return new Observable((subscriber) => {
    const end = () => subscriber.error(signal.reason);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
    return () => signal.removeEventListener('abort', end);
  });
}

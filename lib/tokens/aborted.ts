import { Observable } from 'rxjs';

/** Never emits; errors with the signal's reason when it is aborted. */
export function aborted(signal: AbortSignal): Observable<never> {
  return new Observable((subscriber) => {
    const end = () => subscriber.error(signal.reason);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
    return () => signal.removeEventListener('abort', end);
  });
}

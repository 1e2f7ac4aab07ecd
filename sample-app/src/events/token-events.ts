import { setImmediate } from 'node:timers/promises';
import { Injectable, type MessageEvent, type OnModuleDestroy } from '@nestjs/common';
import { type AuthEvent, type AuthEventOf, onAuthEvent, type TokenEvent } from 'nestjs-box-auth';
import { map, merge, Observable, ReplaySubject } from 'rxjs';

// A token is refreshed about every 48 minutes, so a page without past events would stay empty for long.
const MAX_PAST_EVENTS = 20;

/** Streams the latest and all new token events of this process until the client disconnects or the app stops. */
@Injectable()
export class TokenEvents implements OnModuleDestroy {
  readonly #recent = new ReplaySubject<MessageEvent>(MAX_PAST_EVENTS);

  readonly #subscription = merge(
    merge(on('mint'), on('renewal'), on('forced-renewal')).pipe(map(withoutMessage)),
    on('stale-served'),
    on('tenant-unauthorized').pipe(map(({ kind, enterprise }) => ({ kind, enterprise }))),
    on('clock-offset'),
    on('store').pipe(map(({ kind, state }) => ({ kind, state }))),
  )
    .pipe(map((event) => ({ type: event.kind, data: event })))
    .subscribe(this.#recent);

  readonly stream: Observable<MessageEvent> = this.#recent.asObservable();

  /** Ends the streams one tick before the server closes, as closing would cut open connections. */
  async onModuleDestroy(): Promise<void> {
    this.#subscription.unsubscribe();
    this.#recent.complete();
    await setImmediate();
  }
}

function on<Kind extends AuthEvent['kind']>(kind: Kind): Observable<AuthEventOf<Kind>> {
  return new Observable((subscriber) => onAuthEvent(kind, (event) => subscriber.next(event)));
}

/** Removes the error message, which may quote Box and belongs in the log. */
function withoutMessage({ error, ...event }: TokenEvent) {
  return error === undefined
    ? event
    : { ...event, error: { code: error.code, hint: error.hint, retryable: error.retryable } };
}

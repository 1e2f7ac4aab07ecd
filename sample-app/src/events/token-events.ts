import { setImmediate } from 'node:timers/promises';
import { Injectable, type MessageEvent, type OnModuleDestroy } from '@nestjs/common';
import { type AuthEvent, type AuthEventOf, onAuthEvent, type TokenEvent } from 'nestjs-box-auth';
import { filter, map, merge, Observable, ReplaySubject, Subject } from 'rxjs';
import { type FaultName } from '../emulated-box/breakable-box.js';

// A token is refreshed about every 48 minutes, so a page without past events would stay empty for long.
const MAX_PAST_EVENTS = 20;

/** Streams the latest and all new token events of this process until the client disconnects or the app stops. */
@Injectable()
export class TokenEvents implements OnModuleDestroy {
  readonly #recent = new ReplaySubject<MessageEvent>(MAX_PAST_EVENTS);

  readonly #faults = new Subject<{ readonly kind: 'fault'; readonly fault: FaultName }>();

  readonly #subscription = merge(
    merge(on('mint'), on('renewal'), on('forced-renewal')).pipe(map(withoutMessage)),
    on('stale-served'),
    on('tenant-unauthorized').pipe(map(({ kind, enterprise }) => ({ kind, enterprise }))),
    on('clock-offset'),
    on('store').pipe(map(({ kind, state }) => ({ kind, state }))),
    on('connection').pipe(
      // A refresh is a renewal, too.
      filter(({ change }) => change !== 'refreshed'),
      map(({ kind, change }) => ({ kind, change })),
    ),
    this.#faults,
  )
    .pipe(map((event) => ({ type: event.kind, data: { ...event, at: Date.now() } })))
    .subscribe(this.#recent);

  readonly stream: Observable<MessageEvent> = this.#recent.asObservable();

  /** Adds a fault of the emulated Box to the stream. */
  reportFault(fault: FaultName): void {
    this.#faults.next({ kind: 'fault', fault });
  }

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

import { setImmediate } from 'node:timers/promises';
import { Injectable, type MessageEvent, type OnModuleDestroy } from '@nestjs/common';
import { type AuthEvent, type AuthEventOf, onAuthEvent, type TokenEvent } from 'nestjs-box-auth';
import { map, merge, Observable, ReplaySubject } from 'rxjs';

// A token is renewed about every 48 minutes: without the past a page would stay empty for as long.
const KEPT = 20;

/** What happened last to the tokens of this process, and what happens, told to whoever watches, until they leave or the app does. */
@Injectable()
export class TokenEvents implements OnModuleDestroy {
  readonly #recent = new ReplaySubject<MessageEvent>(KEPT);

  readonly #listening = merge(
    merge(on('mint'), on('renewal'), on('forced-renewal')).pipe(map(withoutMessage)),
    on('stale-served'),
    on('clock-offset'),
    on('store').pipe(map(({ kind, state }) => ({ kind, state }))),
  )
    .pipe(map((event) => ({ type: event.kind, data: event })))
    .subscribe(this.#recent);

  readonly stream: Observable<MessageEvent> = this.#recent.asObservable();

  /** Before the server closes, which cuts the connections that are still open: a turn later the answers have ended. */
  async onModuleDestroy(): Promise<void> {
    this.#listening.unsubscribe();
    this.#recent.complete();
    await setImmediate();
  }
}

function on<Kind extends AuthEvent['kind']>(kind: Kind): Observable<AuthEventOf<Kind>> {
  return new Observable((subscriber) => onAuthEvent(kind, (event) => subscriber.next(event)));
}

/** An error's message quotes Box. That is for the log. */
function withoutMessage({ error, ...event }: TokenEvent) {
  return error === undefined
    ? event
    : { ...event, error: { code: error.code, hint: error.hint, retryable: error.retryable } };
}

import { setImmediate } from 'node:timers/promises';
import { Injectable, type MessageEvent, type OnModuleDestroy } from '@nestjs/common';
import { type AuthEvent, type AuthEventOf, onAuthEvent, type TokenEvent } from 'nestjs-box-auth';
import { map, merge, Observable, ReplaySubject, takeUntil } from 'rxjs';

/** What happens to the tokens of this process, told to whoever watches, until they leave or the app does. */
@Injectable()
export class TokenEvents implements OnModuleDestroy {
  readonly #shutdown = new ReplaySubject<void>(1);

  readonly stream: Observable<MessageEvent> = merge(
    merge(on('mint'), on('renewal'), on('forced-renewal')).pipe(map(withoutMessage)),
    on('stale-served'),
    on('clock-offset'),
    on('store').pipe(map(({ kind, state }) => ({ kind, state }))),
  ).pipe(
    map((event) => ({ type: event.kind, data: event })),
    takeUntil(this.#shutdown),
  );

  /** Before the server closes, which cuts the connections that are still open: a turn later the answers have ended. */
  async onModuleDestroy(): Promise<void> {
    this.#shutdown.next();
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

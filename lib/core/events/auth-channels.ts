import { type Channel, channel } from 'node:diagnostics_channel';
import { BoxAuthError } from '../errors/box-auth.error.js';
import type { AuthEvent, AuthEventSource } from './auth-events.js';

/**
 * Kept for good: of a channel that nobody holds Node's garbage collector takes away the next one of that name as well, with
 * its subscribers (seen on Node 20.20). A record, so that the compiler misses a kind that is not here.
 */
const CHANNELS: Readonly<Record<AuthEvent['kind'], Channel>> = {
  mint: channelOf('mint'),
  renewal: channelOf('renewal'),
  'forced-renewal': channelOf('forced-renewal'),
  'stale-served': channelOf('stale-served'),
  store: channelOf('store'),
  'clock-offset': channelOf('clock-offset'),
};

/** What is published on the channel `nestjs-box-auth:<kind>`. */
export type AuthEventOf<Kind extends AuthEvent['kind']> = OfKind<AuthEvent, Kind> & AuthEventSource;

/** The member of the union that has this kind, also where several kinds are one type. */
type OfKind<Event extends AuthEvent, Kind> = Event extends AuthEvent
  ? Kind extends Event['kind']
    ? Event & { readonly kind: Kind }
    : never
  : never;

/** Publishes `event` to whoever listens in this process. */
export function publishEvent(event: AuthEvent, source: AuthEventSource): void {
  const listeners = CHANNELS[event.kind];
  if (listeners.hasSubscribers) listeners.publish({ ...source, ...event });
}

/**
 * Calls `listener` at every event of that kind, of all Box and Workfront apps in this process, until the function that it
 * returns is called. The same as subscribing to the `node:diagnostics_channel` called `nestjs-box-auth:<kind>`, with types.
 *
 * It is called at once, while nobody who waits for the token has it yet: do little. What it throws reaches no caller; Node
 * makes it an `uncaughtException`, as with every subscriber of a channel.
 *
 * @throws BoxAuthError `option_invalid` where there is no such kind, or the listener is no function
 *
 * @example
 * ```ts
 * import { onAuthEvent } from 'nestjs-box-auth';
 *
 * const stop = onAuthEvent('renewal', ({ outcome, durationMs, error }) => {
 *   if (outcome === 'failed') console.warn(`${error?.code} after ${durationMs} ms`);
 * });
 * stop();
 * ```
 */
export function onAuthEvent<Kind extends AuthEvent['kind']>(
  kind: Kind,
  listener: (event: AuthEventOf<Kind>) => void,
): () => void {
  if (!Object.hasOwn(CHANNELS, kind)) {
    throw invalidArgument('kind', `one of ${Object.keys(CHANNELS).join(', ')}`);
  }
  if (typeof listener !== 'function') throw invalidArgument('listener', 'a function');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only publishEvent publishes on our channels
  const listen = (message: unknown) => listener(message as AuthEventOf<Kind>);
  CHANNELS[kind].subscribe(listen);
  return () => CHANNELS[kind].unsubscribe(listen);
}

function invalidArgument(name: string, expected: string): BoxAuthError {
  return new BoxAuthError({
    code: 'option_invalid',
    message: `The ${name} given to onAuthEvent is not valid, expected ${expected}.`,
    hint: `Mend the ${name} where onAuthEvent is called.`,
    docs: 'https://nodejs.org/docs/latest-v20.x/api/diagnostics_channel.html',
  });
}

function channelOf(kind: AuthEvent['kind']): Channel {
  return channel(`nestjs-box-auth:${kind}`);
}

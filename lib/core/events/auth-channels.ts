import { type Channel, channel } from 'node:diagnostics_channel';
import { BoxAuthError } from '../errors/box-auth.error.js';
import type { AuthEvent, AuthEventSource } from './auth-events.js';

/**
 * Never released: when a channel without references is collected, Node also drops the next channel of that name with its
 * subscribers (seen on Node 20.20). A record, so that the compiler reports a missing kind.
 */
const CHANNELS: Readonly<Record<AuthEvent['kind'], Channel>> = {
  mint: channelOf('mint'),
  renewal: channelOf('renewal'),
  'forced-renewal': channelOf('forced-renewal'),
  'stale-served': channelOf('stale-served'),
  'tenant-unauthorized': channelOf('tenant-unauthorized'),
  store: channelOf('store'),
  'clock-offset': channelOf('clock-offset'),
  connection: channelOf('connection'),
  'api-request': channelOf('api-request'),
};

/** The message on the channel `nestjs-box-auth:<kind>`. */
export type AuthEventOf<Kind extends AuthEvent['kind']> = OfKind<AuthEvent, Kind> & AuthEventSource;

/** The member of the union with this kind, also if one member has several kinds. */
type OfKind<Event extends AuthEvent, Kind> = Event extends AuthEvent
  ? Kind extends Event['kind']
    ? Event & { readonly kind: Kind }
    : never
  : never;

/** Publishes `event` to the listeners in this process. */
export function publishEvent(event: AuthEvent, source: AuthEventSource): void {
  const kindChannel = CHANNELS[event.kind];
  if (!kindChannel.hasSubscribers) return;
  const { issuer, app } = source;
  // `{ ...source, ...event }` takes 10 us on Node 20.
  kindChannel.publish({ issuer, app, ...event });
}

/** Whether an event of `kind` reaches a listener, for events that take work to prepare. */
export function hasListeners(kind: AuthEvent['kind']): boolean {
  return CHANNELS[kind].hasSubscribers;
}

/**
 * Calls `listener` for every event of `kind`, of all Box and Workfront apps in this process. Returns a function that stops
 * it. The same as subscribing to the `node:diagnostics_channel` `nestjs-box-auth:<kind>`, but typed.
 *
 * The listener runs synchronously, before callers receive the token or the response, so keep it short. If it throws, callers
 * are not affected: Node emits an `uncaughtException`, as for every subscriber of a channel.
 *
 * @throws BoxAuthError `option_invalid` for an unknown kind, or a listener that is not a function
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
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only publishEvent publishes on these channels
  const listen = (message: unknown) => listener(message as AuthEventOf<Kind>);
  CHANNELS[kind].subscribe(listen);
  return () => CHANNELS[kind].unsubscribe(listen);
}

function invalidArgument(name: string, expected: string): BoxAuthError {
  return new BoxAuthError({
    code: 'option_invalid',
    message: `Invalid \`${name}\` of onAuthEvent: expected ${expected}.`,
    hint: `Fix the ${name} in the call of onAuthEvent.`,
    docs: 'https://nodejs.org/docs/latest-v20.x/api/diagnostics_channel.html',
  });
}

function channelOf(kind: AuthEvent['kind']): Channel {
  return channel(`nestjs-box-auth:${kind}`);
}

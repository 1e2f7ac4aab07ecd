import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { AuthEvent, AuthEventSource } from './auth-events.js';

/** What is published on the channel `nestjs-box-auth:<kind>`. */
export type AuthEventOf<Kind extends AuthEvent['kind']> = Extract<
  AuthEvent,
  { readonly kind: Kind }
> &
  AuthEventSource;

/** Publishes `event` to whoever listens in this process. */
export function publishEvent(event: AuthEvent, source: AuthEventSource): void {
  const listeners = channel(channelName(event.kind));
  if (listeners.hasSubscribers) listeners.publish({ ...source, ...event });
}

/**
 * Calls `listener` at every event of that kind, of all Box and Workfront apps in this process, until the function that it
 * returns is called. The same as subscribing to the `node:diagnostics_channel` called `nestjs-box-auth:<kind>`, with types.
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
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only publishEvent publishes on our channels
  const listen = (message: unknown) => listener(message as AuthEventOf<Kind>);
  subscribe(channelName(kind), listen);
  return () => unsubscribe(channelName(kind), listen);
}

function channelName(kind: AuthEvent['kind']): string {
  return `nestjs-box-auth:${kind}`;
}

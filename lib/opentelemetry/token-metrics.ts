import { type Meter, ValueType } from '@opentelemetry/api';
import { onAuthEvent } from '../core/events/auth-channels.js';
import type { AuthEventSource, TokenEvent } from '../core/events/auth-events.js';
import { enterpriseAttribute, sourceAttributes, tokenAttributes } from './event-attributes.js';

/** The first is the duration of a reply of the store, the last the timeout of a token request. */
const DURATION_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30];

/** Records metrics about tokens. Returns a function that stops it. */
export function recordTokenMetrics(meter: Meter): () => void {
  const mints = meter.createCounter('box.token.mints', {
    description: 'Token requests by outcome.',
    unit: '{mint}',
    valueType: ValueType.INT,
  });
  const duration = meter.createHistogram('box.token.mint.duration', {
    description: 'Duration of token requests, retries included.',
    unit: 's',
    advice: { explicitBucketBoundaries: DURATION_BUCKETS_S },
  });
  const staleServed = meter.createCounter('box.token.stale_served', {
    description: 'Calls that waited for a new token and got the old one.',
    unit: '{call}',
    valueType: ValueType.INT,
  });
  const unauthorized = meter.createCounter('box.tenant.unauthorized', {
    description: 'Tenants that have not authorized the app, counted when that was noticed.',
    unit: '{tenant}',
    valueType: ValueType.INT,
  });
  const clockOffset = meter.createGauge('box.token.clock_offset', {
    description: "Seconds that the issuer's clock is ahead of this machine's.",
    unit: 's',
  });
  const storeAvailable = meter.createGauge('box.token.store_available', {
    description: 'Whether the token store is available: 1 or 0.',
    unit: '1',
    valueType: ValueType.INT,
  });

  const recordRequest = (event: TokenEvent & AuthEventSource) => {
    const attributes = tokenAttributes(event);
    mints.add(1, attributes);
    duration.record(event.durationMs / 1000, attributes);
  };
  const stops = [
    onAuthEvent('mint', recordRequest),
    onAuthEvent('renewal', recordRequest),
    onAuthEvent('forced-renewal', recordRequest),
    onAuthEvent('stale-served', (event) => staleServed.add(1, sourceAttributes(event))),
    onAuthEvent('tenant-unauthorized', (event) =>
      unauthorized.add(1, {
        ...sourceAttributes(event),
        ...enterpriseAttribute(event.enterprise),
      }),
    ),
    onAuthEvent('clock-offset', (event) =>
      clockOffset.record(event.offsetMs / 1000, sourceAttributes(event)),
    ),
    onAuthEvent('store', (event) =>
      storeAvailable.record(event.state === 'back' ? 1 : 0, sourceAttributes(event)),
    ),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

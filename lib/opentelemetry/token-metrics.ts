import { type Meter, ValueType } from '@opentelemetry/api';
import { onAuthEvent } from '../core/events/auth-channels.js';
import type { AuthEventSource, TokenEvent } from '../core/events/auth-events.js';
import { sourceAttributes, tokenAttributes } from './event-attributes.js';

/** From a store's answer to the 30 s after which a mint is given up. */
const DURATION_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30];

/** Counts and measures what happens to tokens, until the function that it returns is called. */
export function recordTokenMetrics(meter: Meter): () => void {
  const mints = meter.createCounter('box.token.mints', {
    description: 'Tokens that were asked for, by what became of it.',
    unit: '{mint}',
    valueType: ValueType.INT,
  });
  const duration = meter.createHistogram('box.token.mint.duration', {
    description: 'How long it took until a token came or was given up, with all retries.',
    unit: 's',
    advice: { explicitBucketBoundaries: DURATION_BUCKETS_S },
  });
  const staleServed = meter.createCounter('box.token.stale_served', {
    description: 'Calls that waited for a new token and were given the old one.',
    unit: '{call}',
    valueType: ValueType.INT,
  });
  const clockOffset = meter.createGauge('box.token.clock_offset', {
    description: "How far the issuer's clock is ahead of this machine's.",
    unit: 's',
  });
  const storeAvailable = meter.createGauge('box.token.store_available', {
    description: 'Whether the store that shares tokens is there: 1, or 0.',
    unit: '1',
    valueType: ValueType.INT,
  });

  const asked = (event: TokenEvent & AuthEventSource) => {
    const attributes = tokenAttributes(event);
    mints.add(1, attributes);
    duration.record(event.durationMs / 1000, attributes);
  };
  const stops = [
    onAuthEvent('mint', asked),
    onAuthEvent('renewal', asked),
    onAuthEvent('forced-renewal', asked),
    onAuthEvent('stale-served', (event) => staleServed.add(1, sourceAttributes(event))),
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

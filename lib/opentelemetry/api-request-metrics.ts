import { type Meter, ValueType } from '@opentelemetry/api';
import { onAuthEvent } from '../core/events/auth-channels.js';
import { requestAttributes, sourceAttributes } from './event-attributes.js';

/** Those of the semantic conventions, and up to a minute for uploads. */
const DURATION_BUCKETS_S = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60,
];

/** A `Retry-After` may last a minute, and longer with the option `maxDelayMs`. */
const WAIT_BUCKETS_S = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 45, 60, 90, 120, 300];

/** Records metrics about requests to the API. Returns a function that stops it. */
export function recordApiRequestMetrics(meter: Meter): () => void {
  const requests = meter.createCounter('box.api.requests', {
    description: 'Requests to the API by class of status, 429 separately.',
    unit: '{request}',
    valueType: ValueType.INT,
  });
  // Not http.client.request.duration: instrumentations of HTTP clients record the same requests under that name.
  const duration = meter.createHistogram('box.api.request.duration', {
    description: 'Duration of requests to the API until the response begins.',
    unit: 's',
    advice: { explicitBucketBoundaries: DURATION_BUCKETS_S },
  });
  const retries = meter.createCounter('box.api.retries', {
    description: 'Repeated requests to the API by the result of the previous one.',
    unit: '{request}',
    valueType: ValueType.INT,
  });
  const wait = meter.createHistogram('box.api.retry.wait', {
    description: 'Time between the result of a request to the API and its repetition.',
    unit: 's',
    advice: { explicitBucketBoundaries: WAIT_BUCKETS_S },
  });
  return onAuthEvent('api-request', (event) => {
    requests.add(1, {
      ...sourceAttributes(event),
      'box.api.acting': event.acting,
      'box.api.status_class': statusClass(event.status),
    });
    duration.record(event.durationMs / 1000, requestAttributes(event));
    if (event.attempt === 1) return;
    const { repeatedAfter } = event;
    const reason = {
      ...sourceAttributes(event),
      'box.api.acting': event.acting,
      'box.api.retry_reason': statusClass(
        typeof repeatedAfter === 'number' ? repeatedAfter : undefined,
      ),
    };
    retries.add(1, reason);
    wait.record(event.waitedMs / 1000, reason);
  });
}

function statusClass(status: number | undefined): string {
  if (status === undefined) return 'none';
  return status === 429 ? '429' : `${Math.floor(status / 100)}xx`;
}

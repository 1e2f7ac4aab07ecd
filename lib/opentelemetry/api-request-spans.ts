import { SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import { onAuthEvent } from '../core/events/auth-channels.js';
import { knownMethod, requestAttributes } from './event-attributes.js';
import { hrTime } from './span-time.js';

/** Records one span for each request to the API, in the trace of its caller. Returns a function that stops it. */
export function recordApiRequestSpans(tracer: Tracer): () => void {
  return onAuthEvent('api-request', (event) => {
    const { attempt, startedAt, durationMs } = event;
    const attributes = requestAttributes(event);
    const method = knownMethod(event.method);
    const span = tracer.startSpan(method === '_OTHER' ? 'HTTP' : method, {
      kind: SpanKind.CLIENT,
      startTime: hrTime(startedAt),
      attributes: {
        ...attributes,
        ...(attempt === 1 ? {} : { 'http.request.resend_count': attempt - 1 }),
      },
    });
    if ('error.type' in attributes) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(hrTime(startedAt + durationMs));
  });
}

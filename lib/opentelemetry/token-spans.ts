import { SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import { onAuthEvent } from '../core/events/auth-channels.js';
import type { AuthEventSource, TokenEvent } from '../core/events/auth-events.js';
import { tokenAttributes } from './event-attributes.js';
import { hrTime } from './span-time.js';

/** Records one span for each token request. Returns a function that stops it. */
export function recordTokenSpans(tracer: Tracer): () => void {
  const record = (event: TokenEvent & AuthEventSource) => recordSpan(tracer, event);
  const stops = [
    onAuthEvent('mint', record),
    onAuthEvent('renewal', record),
    onAuthEvent('forced-renewal', record),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

function recordSpan(tracer: Tracer, event: TokenEvent & AuthEventSource): void {
  const { kind, outcome, startedAt, durationMs, usableForMs, error } = event;
  const span = tracer.startSpan(`box.token.${kind}`, {
    // Many callers share the request, so the span belongs to none of their traces.
    root: true,
    kind: outcome === 'shared' ? SpanKind.INTERNAL : SpanKind.CLIENT,
    startTime: hrTime(startedAt),
    attributes: tokenAttributes(event),
  });
  // Infinity for a token of unknown lifetime, which JSON cannot express.
  if (Number.isFinite(usableForMs)) {
    span.setAttribute('box.token.usable_for_ms', Math.round(usableForMs));
  }
  if (error !== undefined) {
    if (error.status !== undefined) {
      span.setAttribute('http.response.status_code', error.status);
    }
    // Without the message, which quotes the issuer: more people read traces than logs.
    span.setStatus({ code: SpanStatusCode.ERROR, message: `${error.code}: ${error.hint}` });
  }
  span.end(hrTime(startedAt + durationMs));
}

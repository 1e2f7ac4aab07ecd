import { type HrTime, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import { onAuthEvent } from '../core/events/auth-channels.js';
import type { AuthEventSource, TokenEvent } from '../core/events/auth-events.js';
import { tokenAttributes } from './event-attributes.js';

/** One span for each mint, renewal and forced renewal, until the function that it returns is called. */
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
    // All callers share it, so it belongs to the trace of none.
    root: true,
    kind: outcome === 'shared' ? SpanKind.INTERNAL : SpanKind.CLIENT,
    startTime: hrTime(startedAt),
    attributes: tokenAttributes(event),
  });
  // A token of unknown lifetime can be used for Infinity, which JSON has no number for.
  if (Number.isFinite(usableForMs)) {
    span.setAttribute('box.token.usable_for_ms', Math.round(usableForMs));
  }
  if (error !== undefined) {
    if (error.status !== undefined) {
      span.setAttribute('http.response.status_code', error.status);
    }
    // Not the message, which quotes the issuer: a trace has more readers than a log.
    span.setStatus({ code: SpanStatusCode.ERROR, message: `${error.code}: ${error.hint}` });
  }
  span.end(hrTime(startedAt + durationMs));
}

/** A bare number could be taken for one of `performance.now()`. */
function hrTime(epochMs: number): HrTime {
  const seconds = Math.floor(epochMs / 1000);
  return [seconds, Math.round((epochMs - seconds * 1000) * 1e6)];
}

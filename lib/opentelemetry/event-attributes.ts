import type { Attributes } from '@opentelemetry/api';
import type { AuthEventSource, TokenEvent } from '../core/events/auth-events.js';

/** Attributes of the app. All have few distinct values; none is an id, a token or a fingerprint. */
export function sourceAttributes({ issuer, app }: AuthEventSource): Attributes {
  return {
    'box.token.issuer': issuer,
    ...(app === undefined ? {} : { 'box.token.app': app }),
  };
}

/** Attributes of a token request. */
export function tokenAttributes(event: TokenEvent & AuthEventSource): Attributes {
  const { kind, outcome, subjectType, error } = event;
  return {
    ...sourceAttributes(event),
    'box.token.kind': kind,
    'box.token.outcome': outcome,
    ...(subjectType === undefined ? {} : { 'box.token.subject_type': subjectType }),
    ...(error === undefined ? {} : { 'error.type': error.code }),
  };
}

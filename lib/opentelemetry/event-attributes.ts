import type { Attributes } from '@opentelemetry/api';
import type { AuthEventSource, TokenEvent } from '../core/events/auth-events.js';

/** Whose event it is. Few values each, and never an id, a token or its fingerprint. */
export function sourceAttributes({ issuer, app }: AuthEventSource): Attributes {
  return {
    'box.token.issuer': issuer,
    ...(app === undefined ? {} : { 'box.token.app': app }),
  };
}

/** What became of a token request. */
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

import type { Attributes } from '@opentelemetry/api';
import type { ApiRequestEvent, AuthEventSource, TokenEvent } from '../core/events/auth-events.js';

/** Attributes of the app. All have few distinct values; none is an id, a token or a fingerprint. */
export function sourceAttributes({ issuer, app }: AuthEventSource): Attributes {
  return {
    'box.token.issuer': issuer,
    ...(app === undefined ? {} : { 'box.token.app': app }),
  };
}

/** The tenant. One value for each tenant: drop it with a view if these are too many for your backend. */
export function enterpriseAttribute(enterprise: string | undefined): Attributes {
  return enterprise === undefined ? {} : { 'box.enterprise.id': enterprise };
}

/** Attributes of a token request. */
export function tokenAttributes(event: TokenEvent & AuthEventSource): Attributes {
  const { kind, outcome, subjectType, error } = event;
  return {
    ...sourceAttributes(event),
    ...enterpriseAttribute(event.enterprise),
    'box.token.kind': kind,
    'box.token.outcome': outcome,
    ...(subjectType === undefined ? {} : { 'box.token.subject_type': subjectType }),
    ...(error === undefined ? {} : { 'error.type': error.code }),
  };
}

/** The methods of the semantic conventions. Any other could have many values. */
const KNOWN_METHODS = /^(?:CONNECT|DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT|QUERY|TRACE)$/;

/** The value of `http.request.method`. */
export function knownMethod(method: string): string {
  return KNOWN_METHODS.test(method) ? method : '_OTHER';
}

/**
 * Attributes of a request to the API, as in https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client. The
 * URL is left out: its path has ids.
 */
export function requestAttributes(event: ApiRequestEvent & AuthEventSource): Attributes {
  const { method, host, port, acting, enterprise, status, errorType } = event;
  const failure = status !== undefined && status >= 400 ? String(status) : errorType;
  return {
    ...sourceAttributes(event),
    ...enterpriseAttribute(enterprise),
    'box.api.acting': acting,
    'http.request.method': knownMethod(method),
    'server.address': host,
    'server.port': port,
    ...(status === undefined ? {} : { 'http.response.status_code': status }),
    ...(failure === undefined ? {} : { 'error.type': failure }),
  };
}

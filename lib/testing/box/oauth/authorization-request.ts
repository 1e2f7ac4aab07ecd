import { KNOWN_SCOPES } from '../api/scopes.js';
import type { OAuthClient } from './oauth-client.js';

/** Where people are sent to at `account.box.com`. */
export const AUTHORIZE_PATH = '/api/oauth2/authorize';

/** A valid authorization request (RFC 6749 section 4.1.1). */
export interface AuthorizationRequest {
  /** Undefined if the request names none and the app has several: Box reports that after the grant. */
  readonly redirectUri: string | undefined;
  readonly state: string | undefined;
  /** Undefined for all scopes of the app. */
  readonly scopes: readonly string[] | undefined;
  /** The S256 challenge of RFC 7636. */
  readonly codeChallenge: string | undefined;
  /** The e-mail address of the user to preselect. */
  readonly login: string | undefined;
}

export type AuthorizationOutcome =
  | { readonly request: AuthorizationRequest }
  /** An error page at Box. Without a valid redirect URI, Box does not redirect. */
  | { readonly pageError: string }
  | { readonly redirectTo: string };

/** Checks the query of an authorization request. */
export function readAuthorizationRequest(
  query: URLSearchParams,
  client: OAuthClient,
  isOtherClient: (clientId: string) => boolean,
): AuthorizationOutcome {
  // RFC 6749 section 3.1: a parameter without a value counts as omitted, and none may be repeated.
  const value = (name: string): string | undefined => query.get(name) || undefined;
  const names = [...query.keys()];
  const clientId = value('client_id');
  if (clientId === undefined || new Set(names).size < names.length) {
    return { pageError: 'invalid_request' };
  }
  // Box shows this error for an app that has no redirect URIs, such as one with a key pair.
  if (isOtherClient(clientId)) return { pageError: 'redirect_uri_mismatch' };
  if (clientId !== client.clientId) return { pageError: 'invalid_client' };

  const { redirectUris } = client;
  const named = value('redirect_uri');
  if (named !== undefined && !redirectUris.includes(named)) {
    return { pageError: 'redirect_uri_mismatch' };
  }
  const redirectUri = named ?? redirectUris.onlyOne;
  const state = value('state');
  const scopes = value('scope')?.split(' ');
  const codeChallenge = value('code_challenge');
  const error =
    responseTypeError(value('response_type')) ??
    scopeError(scopes) ??
    challengeError(codeChallenge, value('code_challenge_method'));
  if (error) {
    return redirectUri === undefined
      ? { pageError: 'redirect_uri_missing' }
      : { redirectTo: redirectUrl(redirectUri, { ...error, state }) };
  }
  return { request: { redirectUri, state, scopes, codeChallenge, login: value('box_login') } };
}

/** Adds parameters to a redirect URI; the query that it has stays unchanged (RFC 6749 section 3.1.2). */
export function redirectUrl(
  redirectUri: string,
  parameters: Readonly<Record<string, string | undefined>>,
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(name, value);
  }
  return `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${query.toString()}`;
}

type RedirectError = Readonly<Record<'error' | 'error_description', string>>;

function responseTypeError(type: string | undefined): RedirectError | undefined {
  if (type === 'code') return undefined;
  return type === undefined
    ? redirectError('invalid_request', 'Invalid or missing response type')
    : redirectError('unsupported_response_type', 'The response type is not supported');
}

function scopeError(scopes: readonly string[] = []): RedirectError | undefined {
  return scopes.every((scope) => KNOWN_SCOPES.has(scope))
    ? undefined
    : redirectError('invalid_scope', 'An unsupported scope was requested');
}

/** Box's metadata lists S256 only. RFC 7636 section 4.3: a missing method means `plain`. */
function challengeError(challenge: string | undefined, method: string | undefined) {
  if (challenge === undefined && method === undefined) return undefined;
  return method === 'S256' && challenge !== undefined && /^[\w-]{43}$/.test(challenge)
    ? undefined
    : redirectError('invalid_request', 'A code_challenge must have the method S256');
}

function redirectError(error: string, description: string): RedirectError {
  return { error, error_description: description };
}

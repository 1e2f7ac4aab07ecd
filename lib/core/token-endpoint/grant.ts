import { isTokenValue } from '../credentials/field-checks.js';
import type { Subject } from '../credentials/subject.js';
import type { BoxAuthError } from '../errors/box-auth.error.js';
import type { Instant } from '../runtime/age-clock.js';
import { AccessToken, type MintedToken } from './access-token.js';
import type { Attempt, Form } from './issuer.js';
import { readJsonObject, UnusableResponse } from './token-request.js';

const MAX_LIFETIME_S = 1_000_000_000; // a longer lifetime is a mistake of the issuer, and counts as unknown

/** Builds the form of a token request. Called again for every attempt. */
export type FormMaker = (attempt: Attempt) => Promise<Form>;

/** When a request was sent. */
export interface SentRequest {
  readonly requestedAt: Instant;
  /** How far the issuer's clock is ahead of ours. */
  readonly serverOffsetMs: number;
}

/** A kind of request to the token endpoint (RFC 6749 section 4): its form, its retries, and the part of the response to keep. */
export interface Grant<Kept> {
  readonly makeForm: FormMaker;
  /** Whether the form contains an assertion. A refusal may then be about its dates, and a new one may be accepted. */
  readonly isSigned: boolean;
  /** Whether another attempt may succeed after `error`. */
  mayRetry(error: BoxAuthError): boolean;
  /**
   * Reads a response of status 2xx.
   *
   * @throws UnusableResponse if it is not a response of the issuer
   */
  read(response: Response, sent: SentRequest): Promise<Kept>;
}

const retryTransientErrors = ({ retryable }: BoxAuthError): boolean => retryable;

/**
 * A grant that keeps only the access token, and whose form may be sent again: `jwt-bearer`, `client_credentials` or
 * `token-exchange`.
 */
export function accessTokenGrant(makeForm: FormMaker, subject: Subject): Grant<MintedToken> {
  return {
    makeForm,
    isSigned: true,
    mayRetry: retryTransientErrors,
    read: async (response, sent) => accessTokenIn(await readJsonObject(response), subject, sent),
  };
}

/** A pair of tokens, as the token endpoint granted it. The access token is for the person who granted the authorization. */
export interface GrantedPair {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly lifetimeMs: number | undefined;
  /** Milliseconds since the epoch by the issuer's clock; undefined if the lifetime is unknown. */
  readonly expiresAt: number | undefined;
  readonly requestedAt: Instant;
}

/**
 * A grant of a person, which also keeps the refresh token: `authorization_code` or `refresh_token` (RFC 6749 sections 4.1.3 and 6).
 * Status 409 is the answer to concurrent requests with the same refresh token, and one of them has succeeded.
 */
export function pairGrant(makeForm: FormMaker): Grant<GrantedPair> {
  return {
    makeForm,
    isSigned: false,
    mayRetry: (error) => error.retryable || error.status === 409,
    read: async (response, sent) => {
      const body = await readJsonObject(response);
      const refreshToken = body['refresh_token'];
      if (!isTokenValue(refreshToken)) {
        throw new UnusableResponse('its refresh_token is missing or is not a token');
      }
      const { requestedAt } = sent;
      return {
        accessToken: accessTokenValueIn(body),
        refreshToken,
        ...lifetimeIn(body, sent),
        requestedAt,
      };
    },
  };
}

/** A revocation (RFC 7009). Only the status of the response counts. */
export function revocation(makeForm: FormMaker): Grant<void> {
  return {
    makeForm,
    isSigned: false,
    mayRetry: retryTransientErrors,
    read: async ({ body }) => body?.cancel(),
  };
}

/**
 * The access token in the body of a response (RFC 6749 section 5.1).
 *
 * @throws UnusableResponse if `access_token` is missing or cannot be sent in a header
 */
function accessTokenIn(
  body: Readonly<Record<string, unknown>>,
  subject: Subject,
  sent: SentRequest,
): MintedToken {
  const lifetime = lifetimeIn(body, sent);
  const scope = body['scope'];
  const restrictedTo = body['restricted_to'];
  const token = new AccessToken(accessTokenValueIn(body), {
    subject,
    expiresAt: lifetime.expiresAt,
    scopes: typeof scope === 'string' && scope !== '' ? scope.split(' ') : undefined,
    restrictedTo: Array.isArray(restrictedTo) && restrictedTo.length > 0 ? restrictedTo : undefined,
  });
  const { requestedAt } = sent;
  return { token, lifetimeMs: lifetime.lifetimeMs, requestedAt, isShared: false };
}

function accessTokenValueIn({ access_token: value }: Readonly<Record<string, unknown>>): string {
  if (isTokenValue(value)) return value;
  throw new UnusableResponse('its access_token is missing or is not a token');
}

function lifetimeIn(
  body: Readonly<Record<string, unknown>>,
  { requestedAt, serverOffsetMs }: SentRequest,
): Pick<GrantedPair, 'lifetimeMs' | 'expiresAt'> {
  const expiresInS = Number(body['expires_in'] ?? 0);
  const lifetimeMs = expiresInS > 0 && expiresInS <= MAX_LIFETIME_S ? expiresInS * 1000 : undefined;
  const expiresAt =
    lifetimeMs === undefined ? undefined : requestedAt.wall + serverOffsetMs + lifetimeMs;
  return { lifetimeMs, expiresAt };
}

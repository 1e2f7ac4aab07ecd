import type { EmulatorClock } from '../../http/emulator-clock.js';
import { type HttpAnswer, oauthError } from '../../http/http-response.js';
import { MISSING_PARAMETER } from '../../http/token-form.js';
import { accessTokenResponse, CLIENT_REFUSED, GRANT_UNAUTHORIZED } from '../box-responses.js';
import type { EmulatedApp } from '../emulated-app.js';
import { type AuthorizationCodes, isVerified } from './authorization-codes.js';
import type { OAuthClient } from './oauth-client.js';
import type { TokenPair, UserConnections } from './user-connections.js';

const CODE_EXPIRED = oauthError('invalid_grant', 'The authorization code has expired');
const CODE_UNKNOWN = oauthError(
  'invalid_grant',
  "Auth code doesn't exist or is invalid for the client",
);
const REFRESH_TOKEN_EXPIRED = oauthError('invalid_grant', 'Refresh token has expired');
const REFRESH_TOKEN_UNKNOWN = oauthError('invalid_grant', 'Invalid refresh token');
// Box does not document these two texts.
const REDIRECT_URI_DIFFERS = oauthError(
  'invalid_grant',
  'The redirect URI differs from the one of the authorization request',
);
const VERIFIER_REFUSED = oauthError('invalid_grant', 'The code_verifier is invalid');

type Fields = ReadonlyMap<string, string>;

interface OAuthGrantsParts {
  readonly app: EmulatedApp;
  readonly client: OAuthClient;
  readonly clock: EmulatorClock;
  readonly codes: AuthorizationCodes;
  readonly connections: UserConnections;
}

/** The grants `authorization_code` and `refresh_token` of the token endpoint. */
export class OAuthGrants {
  readonly #parts: OAuthGrantsParts;

  constructor(parts: OAuthGrantsParts) {
    this.#parts = parts;
  }

  respond(fields: Fields, lifetimeS: number | null): HttpAnswer {
    const { app, client } = this.#parts;
    const clientId = fields.get('client_id');
    if (clientId === app.clientId) return GRANT_UNAUTHORIZED;
    if (!client.isClient(clientId, fields.get('client_secret'))) return CLIENT_REFUSED;
    return fields.get('grant_type') === 'authorization_code'
      ? this.#redeemCode(fields, lifetimeS)
      : this.#refresh(fields, lifetimeS);
  }

  /** The user whose code or refresh token a request has, before anything is checked. */
  requestedUser({ code, refresh_token: token }: Readonly<Record<string, string>>) {
    const { codes, connections } = this.#parts;
    if (code !== undefined) return codes.userOf(code);
    return token === undefined ? undefined : connections.userOf(token);
  }

  #redeemCode(fields: Fields, lifetimeS: number | null): HttpAnswer {
    const { codes, connections } = this.#parts;
    const code = fields.get('code');
    if (code === undefined) return oauthError('invalid_request', MISSING_PARAMETER);
    const consent = codes.redeem(code);
    if (consent === 'expired') return CODE_EXPIRED;
    if (consent === 'unknown' || !this.#isKnown(consent.userId)) return CODE_UNKNOWN;
    const { userId, scopes, redirectUri, codeChallenge } = consent;
    // Box does not require a redirect URI here.
    if ((fields.get('redirect_uri') ?? redirectUri) !== redirectUri) return REDIRECT_URI_DIFFERS;
    if (!isVerified(codeChallenge, fields.get('code_verifier'))) return VERIFIER_REFUSED;
    return this.#pairResponse(connections.start(userId, scopes, lifetimeS));
  }

  #refresh(fields: Fields, lifetimeS: number | null): HttpAnswer {
    const { connections } = this.#parts;
    const token = fields.get('refresh_token');
    if (token === undefined) return oauthError('invalid_request', MISSING_PARAMETER);
    const userId = connections.userOf(token);
    if (userId === undefined || !this.#isKnown(userId)) return REFRESH_TOKEN_UNKNOWN;
    const pair = connections.refresh(token, lifetimeS);
    if (pair === 'expired') return REFRESH_TOKEN_EXPIRED;
    return pair === 'unknown' ? REFRESH_TOKEN_UNKNOWN : this.#pairResponse(pair);
  }

  #pairResponse({ access, refreshToken, lifetimeS }: TokenPair): HttpAnswer {
    const { expiresAtMs, restriction } = access;
    const remainingS =
      expiresAtMs === undefined
        ? lifetimeS
        : Math.floor((expiresAtMs - this.#parts.clock.nowMs()) / 1000);
    return accessTokenResponse(access, remainingS, {
      refresh_token: refreshToken,
      restricted_to: restriction?.scopes.map((scope) => ({ scope })) ?? [],
    });
  }

  #isKnown(userId: string): boolean {
    return this.#parts.app.users.has(userId);
  }
}

import type { EmulatorClock } from '../http/emulator-clock.js';
import { type HttpAnswer, oauthError } from '../http/http-response.js';
import { decodeClaims } from '../http/jwt.js';
import { MISSING_PARAMETER, readTokenForm, type TokenHttpRequest } from '../http/token-form.js';
import type { IssuedToken, TokenLedger, TokenSubject } from '../http/token-ledger.js';
import { checkAssertion, subjectOf } from './assertion-check.js';
import {
  accessTokenResponse,
  boxResponses,
  CLIENT_REFUSED,
  GRANT_UNAUTHORIZED,
} from './box-responses.js';
import { ACCESS_TOKEN_TYPE, readDownscope } from './downscope-grant.js';
import type { EmulatedApp } from './emulated-app.js';
import type { EmulatedDrive } from './drive/emulated-drive.js';
import type { ItemJson } from './drive/item-json.js';
import type { EmulatedOAuth } from './oauth/emulated-oauth.js';

/** A grant of the app in `config`. The OAuth app always has `authorization_code` and `refresh_token`. */
export type EmulatedGrant = 'jwt-bearer' | 'client_credentials' | 'token-exchange';

const GRANT_OF_TYPE = new Map<string, EmulatedGrant>([
  ['urn:ietf:params:oauth:grant-type:jwt-bearer', 'jwt-bearer'],
  ['client_credentials', 'client_credentials'],
  ['urn:ietf:params:oauth:grant-type:token-exchange', 'token-exchange'],
]);
/** The grants of the OAuth app. */
const OAUTH_GRANT_TYPES = new Set(['authorization_code', 'refresh_token']);

const NO_USER_TOKENS = oauthError(
  'invalid_request',
  'Cannot obtain user token based on the enterprise configuration for your app',
);
const NOT_AUTHORIZED = oauthError(
  'unauthorized_client',
  'This app is not authorized by the enterprise admin',
);
const CCG_REFUSED = oauthError('invalid_grant', 'Grant credentials are invalid');

// An `expires_in` of 0 would mean an unknown expiry.
const MIN_PARENT_LIFE_MS = 1000;

type Fields = ReadonlyMap<string, string>;

/** The outcome of a token request. A token is issued only when `respond` is called. */
export interface TokenDecision {
  respond(): HttpAnswer;
}

export class EmulatedTokenEndpoint {
  lifetimeS: number | null;
  readonly #app: EmulatedApp;
  readonly #clock: EmulatorClock;
  readonly #drive: EmulatedDrive;
  readonly #json: ItemJson;
  readonly #ledger: TokenLedger;
  readonly #oauth: EmulatedOAuth;
  readonly #grants: ReadonlySet<EmulatedGrant>;
  readonly #usedJtis = new Set<string>();

  constructor(options: {
    readonly app: EmulatedApp;
    readonly clock: EmulatorClock;
    readonly drive: EmulatedDrive;
    readonly json: ItemJson;
    readonly ledger: TokenLedger;
    readonly oauth: EmulatedOAuth;
    readonly grants: 'all' | readonly EmulatedGrant[];
    readonly lifetimeS: number | null;
  }) {
    this.#app = options.app;
    this.#clock = options.clock;
    this.#drive = options.drive;
    this.#json = options.json;
    this.#ledger = options.ledger;
    this.#oauth = options.oauth;
    this.#grants = new Set(options.grants === 'all' ? GRANT_OF_TYPE.values() : options.grants);
    this.lifetimeS = options.lifetimeS;
  }

  /**
   * Checks a request to `/oauth2/token`. Its `jti` counts as used from then on, even if a fault replaces the response: Box
   * rejects an assertion that is sent again after a 429.
   */
  evaluate(request: TokenHttpRequest): TokenDecision {
    const form = readTokenForm(request, boxResponses.credentialHeaders);
    if ('refusal' in form) return refuse(form.refusal);
    const { fields } = form;
    const type = fields.get('grant_type') ?? '';
    if (OAUTH_GRANT_TYPES.has(type)) {
      return { respond: () => this.#oauth.grants.respond(fields, this.lifetimeS) };
    }
    const grant = GRANT_OF_TYPE.get(type);
    if (!grant) return refuse(oauthError('invalid_request', MISSING_PARAMETER));
    const isOfOAuthApp = fields.get('client_id') === this.#oauth.client.clientId;
    if (!this.#grants.has(grant) || (isOfOAuthApp && grant !== 'token-exchange')) {
      return refuse(GRANT_UNAUTHORIZED);
    }
    if (grant === 'jwt-bearer') return this.#evaluateAssertion(fields);
    return grant === 'client_credentials'
      ? this.#evaluateClientCredentials(fields)
      : this.#evaluateExchange(fields);
  }

  /** Serves `/oauth2/revoke`. RFC 7009 section 2.2: an unknown token gets a 200, too. */
  revoke(request: TokenHttpRequest): HttpAnswer {
    const form = readTokenForm(request, boxResponses.credentialHeaders);
    if ('refusal' in form) return form.refusal;
    const { fields } = form;
    const clientId = fields.get('client_id');
    if (!this.#isAnyClient(clientId, fields.get('client_secret'))) return CLIENT_REFUSED;
    const token = fields.get('token');
    if (token === undefined) {
      return oauthError('invalid_request', 'The token parameter is required.');
    }
    if (clientId === this.#oauth.client.clientId) this.#oauth.connections.revoke(token);
    const accessToken = this.#ledger.find(token);
    if (accessToken && this.#clientIdOf(accessToken) === clientId) this.#ledger.revoke(token);
    return { status: 200, headers: { 'cache-control': 'no-store' } };
  }

  /** The subject that a request names, before anything is checked. */
  requestedSubject(fields: Readonly<Record<string, string>>): TokenSubject | undefined {
    const { assertion, subject_token: subjectToken } = fields;
    const userId = this.#oauth.grants.requestedUser(fields);
    if (userId !== undefined) return { type: 'user', id: userId };
    if (assertion !== undefined) return subjectOf(decodeClaims(assertion) ?? {});
    if (subjectToken !== undefined) return this.#ledger.find(subjectToken)?.subject;
    return subjectOf({ sub: fields.box_subject_id, box_sub_type: fields.box_subject_type });
  }

  #evaluateAssertion(fields: Fields): TokenDecision {
    if (!this.#isClient(fields)) return refuse(CLIENT_REFUSED);
    const assertion = fields.get('assertion');
    if (assertion === undefined) return refuse(oauthError('invalid_request', MISSING_PARAMETER));

    const result = checkAssertion(assertion, {
      clientId: this.#app.clientId,
      publicKeys: this.#app.publicKeys,
      nowMs: this.#clock.nowMs(),
      isKnown: (subject) => this.#app.enterprises.accountOf(subject) !== undefined,
      isUsed: (jti) => this.#usedJtis.has(jti),
    });
    if (result.jti !== undefined) this.#usedJtis.add(result.jti);
    if (!result.isValid) return refuse(oauthError('invalid_grant', result.description));
    const { subject } = result;
    return { respond: () => this.#refusalOf(subject) ?? this.#issue(subject) };
  }

  /** Box sends the same text for every failure here, a missing authorization included. */
  #evaluateClientCredentials(fields: Fields): TokenDecision {
    const subject = subjectOf({
      sub: fields.get('box_subject_id'),
      box_sub_type: fields.get('box_subject_type'),
    });
    if (!subject || !this.#isClient(fields)) return refuse(CCG_REFUSED);
    return {
      respond: () => (this.#refusalOf(subject) ? CCG_REFUSED : this.#issue(subject)),
    };
  }

  #evaluateExchange(fields: Fields): TokenDecision {
    // Box does not require a client here, but a wrong one is rejected.
    const clientId = fields.get('client_id');
    const clientSecret = fields.get('client_secret');
    const clientIds = [undefined, this.#app.clientId, this.#oauth.client.clientId];
    if (
      !clientIds.includes(clientId) ||
      (clientSecret !== undefined && !this.#isAnyClient(clientId, clientSecret))
    ) {
      return refuse(CLIENT_REFUSED);
    }
    if (fields.get('subject_token_type') !== ACCESS_TOKEN_TYPE) {
      const description = 'Please check the subject_token_type parameter.';
      return refuse(oauthError('invalid_request', description));
    }
    const subjectToken = fields.get('subject_token');
    if (subjectToken === undefined) {
      return refuse(oauthError('invalid_request', MISSING_PARAMETER));
    }
    return {
      respond: () => {
        const parent = this.#ledger.findLive(subjectToken, MIN_PARENT_LIFE_MS);
        return parent && [undefined, this.#clientIdOf(parent)].includes(clientId)
          ? this.#downscope(parent, fields)
          : oauthError('invalid_grant', 'Please check the subject_token. It is not valid.');
      },
    };
  }

  #downscope(parent: IssuedToken, fields: Fields): HttpAnswer {
    const { subject, connectionId } = parent;
    this.#oauth.connections.noteUse(parent);
    const userId = this.#app.enterprises.accountOf(subject)?.id ?? '';
    const nowMs = this.#clock.nowMs();
    const request = readDownscope(fields, {
      clientId: this.#clientIdOf(parent),
      nowMs,
      parent: parent.restriction,
      isVisible: (item) => this.#drive.find(item, userId) !== undefined,
    });
    if ('refusal' in request) return request.refusal;

    const lifetimeS = this.#lifetimeWithin(parent, nowMs);
    const { scopes, item } = request.restriction;
    const found = item && this.#drive.find(item, userId);
    const object = found && this.#json.mini(found);
    return accessTokenResponse(
      this.#ledger.issue(subject, lifetimeS, {
        restriction: request.restriction,
        ...(connectionId !== undefined && { connectionId }),
      }),
      lifetimeS,
      {
        restricted_to: scopes.map((scope) => (object ? { scope, object } : { scope })),
        issued_token_type: ACCESS_TOKEN_TYPE,
      },
    );
  }

  #lifetimeWithin(parent: IssuedToken, nowMs: number): number | null {
    if (parent.expiresAtMs === undefined) return this.lifetimeS;
    const remainingS = Math.floor((parent.expiresAtMs - nowMs) / 1000);
    return this.lifetimeS ? Math.min(this.lifetimeS, remainingS) : remainingS;
  }

  #issue(subject: TokenSubject): HttpAnswer {
    const token = this.#ledger.issue(subject, this.lifetimeS);
    return accessTokenResponse(token, this.lifetimeS, { restricted_to: [] });
  }

  #isClient(fields: Fields): boolean {
    return this.#app.isClient(fields.get('client_id'), fields.get('client_secret'));
  }

  #isAnyClient(clientId: string | undefined, clientSecret: string | undefined): boolean {
    return (
      this.#app.isClient(clientId, clientSecret) ||
      this.#oauth.client.isClient(clientId, clientSecret)
    );
  }

  /** The client that a token was issued to. */
  #clientIdOf({ connectionId }: IssuedToken): string {
    return connectionId === undefined ? this.#app.clientId : this.#oauth.client.clientId;
  }

  /** The response to a valid request for a subject that gets no token. */
  #refusalOf(subject: TokenSubject): HttpAnswer | undefined {
    const { enterprises, userTokensEnabled } = this.#app;
    const account = enterprises.accountOf(subject);
    if (!account || !enterprises.get(account.enterpriseId).authorized) return NOT_AUTHORIZED;
    // The service account gets an enterprise token, never a user token.
    const mayHaveToken =
      subject.type === 'enterprise' || (userTokensEnabled && !account.isServiceAccount);
    return mayHaveToken ? undefined : NO_USER_TOKENS;
  }
}

function refuse(response: HttpAnswer): TokenDecision {
  return { respond: () => response };
}

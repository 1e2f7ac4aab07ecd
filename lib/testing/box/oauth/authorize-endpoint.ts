import type { HeaderValues } from '../../http/http-exchange.js';
import type { HttpAnswer } from '../../http/http-response.js';
import type { EmulatedApp } from '../emulated-app.js';
import { boxError } from '../box-responses.js';
import type { AuthorizationCodes } from './authorization-codes.js';
import {
  AUTHORIZE_PATH,
  type AuthorizationOutcome,
  type AuthorizationRequest,
  readAuthorizationRequest,
  redirectUrl,
} from './authorization-request.js';
import { consentPage, errorPage, type ListedUser } from './authorize-page.js';
import type { OAuthClient } from './oauth-client.js';

export interface AuthorizeHttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: HeaderValues;
  /** The fields of the form. */
  readonly form: Readonly<Record<string, string>>;
}

/** The user's choice: a user id to grant access, or undefined to deny it. */
type Decision = { readonly userId: string } | undefined;

/** The counterpart of `account.box.com`: people grant or deny access to the OAuth app. */
export class AuthorizeEndpoint {
  readonly #app: EmulatedApp;
  readonly #client: OAuthClient;
  readonly #codes: AuthorizationCodes;

  constructor(parts: {
    readonly app: EmulatedApp;
    readonly client: OAuthClient;
    readonly codes: AuthorizationCodes;
  }) {
    this.#app = parts.app;
    this.#client = parts.client;
    this.#codes = parts.codes;
  }

  /** Shows the page, or redirects with the decision of its form. */
  respond({ method, url, headers, form }: AuthorizeHttpRequest): HttpAnswer {
    const { searchParams: query } = url;
    if (method !== 'GET' && method !== 'POST') {
      const extra = { headers: { allow: 'GET, POST' } };
      return boxError(405, 'method_not_allowed', 'Method Not Allowed', extra);
    }
    if (method === 'POST' && !isSameOrigin(headers)) {
      return errorPage('The form was sent by a page of another origin.', query, 403);
    }
    const outcome = this.#read(query);
    if ('pageError' in outcome) return errorPage(outcome.pageError, query);
    if ('redirectTo' in outcome) return redirect(outcome.redirectTo);
    if (method === 'GET') return this.#consentPage(outcome.request);
    const decision = this.#decisionIn(form);
    if (decision === 'invalid') return errorPage('invalid_request', query);
    const location = this.#decide(outcome.request, decision);
    return location === undefined ? errorPage('redirect_uri_missing', query) : redirect(location);
  }

  /**
   * Decides without the page. Returns the address that Box redirects to.
   *
   * @throws TypeError for an unknown user, and if Box would show an error page
   */
  decide(authorizationUrl: string | URL, decision: Decision): string {
    const { pathname, searchParams } = new URL(authorizationUrl);
    if (pathname !== AUTHORIZE_PATH) {
      throw new TypeError(
        `Invalid authorization URL: expected the path ${AUTHORIZE_PATH}, received ${JSON.stringify(pathname)}`,
      );
    }
    if (decision && !this.#canSignIn(decision.userId)) {
      const known = this.#users().map(({ id }) => id);
      throw new TypeError(
        `Unknown user: expected a user who can sign in (${known.join(', ')}), received ${JSON.stringify(decision.userId)}`,
      );
    }
    const outcome = this.#read(searchParams);
    if ('redirectTo' in outcome) return outcome.redirectTo;
    const location = 'request' in outcome ? this.#decide(outcome.request, decision) : undefined;
    if (location !== undefined) return location;
    const error = 'pageError' in outcome ? outcome.pageError : 'redirect_uri_missing';
    throw new TypeError(`Invalid authorization URL: Box shows an error page: ${error}`);
  }

  #read(query: URLSearchParams): AuthorizationOutcome {
    return readAuthorizationRequest(query, this.#client, (id) => id === this.#app.clientId);
  }

  /** Returns where to redirect to; undefined if the redirect URI is missing. */
  #decide(request: AuthorizationRequest, decision: Decision): string | undefined {
    const { redirectUri, state, scopes, codeChallenge } = request;
    if (redirectUri === undefined) return undefined;
    if (!decision) {
      return redirectUrl(redirectUri, {
        error: 'access_denied',
        error_description: 'The user denied access to your application',
        state,
      });
    }
    const { userId } = decision;
    const code = this.#codes.issue({ userId, redirectUri, scopes, codeChallenge });
    return redirectUrl(redirectUri, { state, code });
  }

  #decisionIn({ decision, user_id: userId }: AuthorizeHttpRequest['form']): Decision | 'invalid' {
    if (decision === 'deny') return undefined;
    const isValid = decision === 'grant' && userId !== undefined && this.#canSignIn(userId);
    return isValid ? { userId } : 'invalid';
  }

  #consentPage({ login, scopes }: AuthorizationRequest): HttpAnswer {
    const users = this.#users();
    const preselected = login === undefined ? undefined : this.#app.users.findByLogin(login);
    const selectedId = preselected?.id ?? users[0]?.id;
    return consentPage({ clientId: this.#client.clientId, users, selectedId, scopes });
  }

  #canSignIn(userId: string): boolean {
    return this.#users().some(({ id }) => id === userId);
  }

  /** The users who can sign in: neither service accounts nor app users. */
  #users(): readonly ListedUser[] {
    const { enterprises, users } = this.#app;
    return users
      .all()
      .filter((user) => !user.isServiceAccount && !user.isPlatformAccessOnly)
      .map(({ id, name, login, enterpriseId }) => ({
        id,
        name,
        login,
        enterpriseName: enterprises.get(enterpriseId).name,
      }));
  }
}

function redirect(location: string): HttpAnswer {
  return { status: 302, headers: { location, 'cache-control': 'no-store' } };
}

/** Browsers send `Origin` with a form, so that no other page can grant access. Other clients may omit it. */
function isSameOrigin(headers: HeaderValues): boolean {
  const origin = headers.origin?.[0];
  return origin === undefined || origin === `http://${headers.host?.[0] ?? ''}`;
}

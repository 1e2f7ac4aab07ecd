import type { Authentication, NetworkSession } from 'box-node-sdk/networking';
import {
  type AccessToken as SdkAccessToken,
  deserializeAccessToken,
} from 'box-node-sdk/schemas/accessToken';
import { jsonToSerializedData } from 'box-node-sdk/serialization/json';
import { currentActingUser } from '../core/acting/acting.context.js';
import { checkedActingUserId } from '../box/acting-user.js';
import { boxDocs } from '../box/box-docs.js';
import { boxAuthOf, type BoxTokenProvider } from '../box/box-token.provider.js';
import type { Subject } from '../core/credentials/subject.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import type { AccessToken } from '../core/token-endpoint/access-token.js';

/** The property with the provider. Symbol.for: one process may load the ES module and the CommonJS build. */
const PROVIDER = Symbol.for('nestjs-box-auth.BoxSdkAuthentication');

/** Returns the provider of `auth`, or undefined if it is not a `BoxSdkAuthentication`. */
export function providerOf(auth: Authentication | undefined): BoxTokenProvider | undefined {
  return auth !== undefined && isOurs(auth) ? auth[PROVIDER] : undefined;
}

function isOurs(auth: Authentication): auth is BoxSdkAuthentication {
  return PROVIDER in auth;
}

/**
 * Supplies the tokens of a provider to Box's official SDK, with any network client. Tokens are shared, refreshed before they
 * expire, and replaced once even if many calls are refused.
 *
 * Calls for an acting user use a user access token, because an `Authentication` can choose only the token. If the app cannot
 * get one, the call fails. A client that names the user itself (`client.withAsUserHeader`) takes precedence. With
 * `BoxSdkNetworkClient`, as in the `BoxClient` of `BoxSdkModule`, the acting user goes into `as-user` instead, the rules of
 * redirects and origins apply, and a refused call is repeated at once.
 *
 * @example
 * ```ts
 * import { BoxClient } from 'box-node-sdk';
 * import type { BoxTokenProvider } from 'nestjs-box-auth';
 * import { BoxSdkAuthentication } from 'nestjs-box-auth/sdk';
 *
 * export function boxClient(provider: BoxTokenProvider): BoxClient {
 *   return new BoxClient({ auth: new BoxSdkAuthentication(provider) });
 * }
 * ```
 */
export class BoxSdkAuthentication implements Authentication {
  readonly #provider: BoxTokenProvider;

  constructor(provider: BoxTokenProvider) {
    this.#provider = provider;
  }

  /** @internal For the network client. */
  get [PROVIDER](): BoxTokenProvider {
    return this.#provider;
  }

  /** @throws BoxAuthError as `BoxTokenProvider.getToken` does */
  async retrieveToken(session?: NetworkSession): Promise<SdkAccessToken> {
    return toSdk(await this.#token(session));
  }

  /**
   * Returns another token after a 401. The SDK does not say which token was refused, so the current one is replaced. A
   * replacement is kept for 10 s, so that a thousand calls refused at once cause one token request.
   *
   * @throws BoxAuthError as `BoxTokenProvider.getToken` does
   */
  async refreshToken(session?: NetworkSession): Promise<SdkAccessToken> {
    const refused = this.#provider.peekToken(this.#subjectOf(session));
    if (refused !== undefined) this.#provider.invalidate(refused);
    return this.retrieveToken(session);
  }

  /** @throws BoxAuthError as `BoxTokenProvider.getToken` does */
  async retrieveAuthorizationHeader(session?: NetworkSession): Promise<string> {
    return `Bearer ${(await this.#token(session)).value}`;
  }

  /** @throws BoxAuthError as `BoxTokenProvider.revoke` does */
  async revokeToken(session?: NetworkSession): Promise<undefined> {
    await this.#provider.revoke(this.#subjectOf(session));
  }

  /**
   * Returns a downscoped token, of the acting user if there is one: a client that uses the token sends no `as-user`.
   *
   * @throws BoxAuthError as `BoxTokenProvider.downscope` does
   */
  async downscopeToken(
    scopes: readonly string[],
    resource?: string,
    sharedLink?: string,
    session?: NetworkSession,
  ): Promise<SdkAccessToken> {
    const id = asUserOf(session);
    const subject = id === undefined ? undefined : ({ type: 'user', id } as const);
    return toSdk(await this.#provider.downscope({ scopes, resource, sharedLink, subject }));
  }

  #token(session: NetworkSession | undefined): Promise<AccessToken> {
    return this.#provider.getToken({ subject: this.#subjectOf(session) });
  }

  /** The acting user, as the subject of a session's token. Undefined (the app's own subject) if the session has `as-user`. */
  #subjectOf(session: NetworkSession | undefined): Subject | undefined {
    const app = boxAuthOf(this.#provider)?.policy;
    const user = asUserOf(session) === undefined ? currentActingUser(app) : undefined;
    return user === undefined ? undefined : { type: 'user', id: user.id };
  }
}

/** @throws BoxAuthError `acting_user_invalid` for an `as-user` that is not one user id */
function asUserOf(session: NetworkSession | undefined): string | undefined {
  const headers = Object.entries(session?.additionalHeaders ?? {}).filter(
    ([name]) => name.toLowerCase() === 'as-user',
  );
  // The SDK's own network client sends each of them, and Box would have to choose.
  if (headers.length > 1) {
    throw new BoxAuthError({
      code: 'acting_user_invalid',
      message: `Several acting users: the session has the headers ${headers.map(([name]) => name).join(' and ')}.`,
      hint: 'Remove all but one of them from `additionalHeaders`, or use client.withAsUserHeader alone.',
      docs: boxDocs.asUser,
    });
  }
  const [header] = headers;
  return header && checkedActingUserId(header[1]);
}

function toSdk(token: AccessToken): SdkAccessToken {
  const response = {
    access_token: token.value,
    token_type: 'bearer',
    ...(token.expiresAt !== undefined && { expires_in: secondsUntil(token.expiresAt) }),
    ...(token.restrictedTo !== undefined && {
      restricted_to: token.restrictedTo,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    }),
  };
  return deserializeAccessToken(jsonToSerializedData(JSON.stringify(response)));
}

function secondsUntil(timeMs: number): number {
  return Math.max(Math.floor((timeMs - Date.now()) / 1000), 0);
}

import { lowerCaseAlphanumerics } from '../emulated-app.js';
import { RedirectUris } from './redirect-uris.js';

/** The emulated app with user authentication (OAuth 2.0). At Box, it is another app than one with a key pair. */
export interface EmulatedOAuthApp {
  /** Where the app sends people, so that they grant or deny access. At Box: `https://account.box.com/api/oauth2/authorize`. */
  readonly authorizeUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** The first of its redirect URIs. */
  readonly redirectUri: string;
}

export interface OAuthClientOptions {
  readonly oauthApp?: Pick<EmulatedOAuthApp, 'clientId' | 'clientSecret'>;
  readonly redirectUris?: readonly string[];
}

const DEFAULT_REDIRECT_URI = 'http://localhost:3000/box/callback';

/** The OAuth app as Box knows it. */
export class OAuthClient {
  readonly clientId: string;
  readonly redirectUris: RedirectUris;
  readonly #clientSecret: string;

  /** @throws TypeError for redirect URIs that Box does not accept */
  constructor({ oauthApp, redirectUris = [DEFAULT_REDIRECT_URI] }: OAuthClientOptions) {
    this.clientId = oauthApp?.clientId ?? lowerCaseAlphanumerics(32);
    this.#clientSecret = oauthApp?.clientSecret ?? lowerCaseAlphanumerics(32);
    this.redirectUris = new RedirectUris(redirectUris);
  }

  isClient(clientId: string | undefined, clientSecret: string | undefined): boolean {
    return clientId === this.clientId && clientSecret === this.#clientSecret;
  }

  describe(authorizeUrl: string): EmulatedOAuthApp {
    return {
      authorizeUrl,
      clientId: this.clientId,
      clientSecret: this.#clientSecret,
      redirectUri: this.redirectUris.all[0],
    };
  }
}

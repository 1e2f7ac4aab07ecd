import type { CredentialsHelp } from '../../core/credentials/credentials-errors.js';
import type { Secret } from '../../core/errors/secret.js';
import type { StaticToken, ParsedCredentials } from '../../core/credentials/credentials-source.js';
import type { AssertionSigner, SigningFunction } from '../../core/credentials/assertion.js';
import type { SigningAlgorithm } from '../../core/credentials/private-key.js';

/** The `config.json` of Box's developer console. */
export interface BoxConfigJson {
  readonly boxAppSettings: {
    readonly clientID: string;
    readonly clientSecret: string;
    readonly appAuth?: {
      readonly publicKeyID: string;
      readonly privateKey: string;
      readonly passphrase?: string | undefined;
    };
  };
  readonly enterpriseID?: string;
  readonly userID?: string;
}

/** The default subject of tokens: the service account (`enterpriseId`) or one user (`userId`). */
type DefaultSubject =
  | { readonly enterpriseId: string; readonly userId?: never }
  | { readonly userId: string; readonly enterpriseId?: never };

/** `config.json` on disk. `passphrase` overrides the one in the file. */
export interface ConfigFileCredentials {
  readonly configFile: string;
  readonly passphrase?: string | undefined;
}

/** `config.json` as an object, as JSON, or as base64 of the JSON. `passphrase` overrides the one in it. */
export interface ConfigCredentials {
  readonly config: BoxConfigJson | string;
  readonly passphrase?: string | undefined;
}

/** The fields of `config.json`, flat. `algorithm` defaults to `RS256`. */
export type KeyPairCredentials = DefaultSubject & {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly publicKeyId: string;
  /** PEM, plain or encrypted. Literal `\n` instead of line breaks, as in environment variables, is accepted. */
  readonly privateKey: string;
  readonly passphrase?: string | undefined;
  readonly algorithm?: SigningAlgorithm | undefined;
};

/** A key pair whose private key stays in a KMS, an HSM or a vault, which `sign` calls. `algorithm` defaults to `RS256`. */
export type ExternalSignerCredentials = DefaultSubject & {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly publicKeyId: string;
  readonly sign: SigningFunction;
  readonly algorithm?: SigningAlgorithm | undefined;
};

/** An app with server authentication by client credentials grant. */
export type ClientCredentials = DefaultSubject & {
  readonly clientId: string;
  readonly clientSecret: string;
};

/** A developer token of the developer console, for experiments. It lives 60 minutes and cannot be refreshed. */
export interface DeveloperTokenCredentials {
  readonly developerToken: string;
}

/**
 * The app token of a Limited Access App: a long-lived token of the app's own service account, from the Configuration tab of
 * the developer console. It is used until Box rejects it. Pass the primary and the secondary token as a list: the next one is
 * used once Box rejects the first.
 *
 * @example
 * ```ts
 * import { BoxAuthModule } from 'nestjs-box-auth';
 *
 * BoxAuthModule.forRoot({ credentials: { appToken: 'EGmDmRVfhfHsqesn5yVYHAqUkD0dyDfk' } });
 * ```
 */
export interface AppTokenCredentials {
  readonly appToken: string;
}

/**
 * An access token from another source, such as a company gateway. If a `credentials` function returns it, the function is
 * called for a new one before `expiresAt`, or once Box rejects the token. In the options it is never refreshed.
 *
 * @example
 * ```ts
 * import { type AccessTokenCredentials, BoxAuthModule } from 'nestjs-box-auth';
 *
 * async function fromGateway(): Promise<AccessTokenCredentials> {
 *   const response = await fetch('https://gateway.example.com/box-token');
 *   const { token, expiresInS } = (await response.json()) as { token: string; expiresInS: number };
 *   return { accessToken: token, expiresAt: Date.now() + expiresInS * 1000 };
 * }
 *
 * BoxAuthModule.forRoot({ credentials: fromGateway });
 * ```
 */
export interface AccessTokenCredentials {
  readonly accessToken: string;
  /** The expiry, in milliseconds since the epoch. Default unknown: the token is used until Box rejects it. */
  readonly expiresAt?: number | undefined;
}

/** The app's credentials, in any of their forms. */
export type BoxCredentials =
  | ConfigFileCredentials
  | ConfigCredentials
  | KeyPairCredentials
  | ExternalSignerCredentials
  | ClientCredentials
  | DeveloperTokenCredentials
  | AppTokenCredentials
  | AccessTokenCredentials;

/** Credentials, or several key pairs or tokens of one app during a rotation: the next one is used once Box rejects one. */
export type GivenBoxCredentials = BoxCredentials | readonly BoxCredentials[];

/**
 * Credentials, or a function that returns them at every token request, so that keys rotate without a restart. A function that
 * returns a token is called when that token must be refreshed.
 */
export type BoxCredentialsSource =
  GivenBoxCredentials | (() => GivenBoxCredentials | Promise<GivenBoxCredentials>);

/** Checked and parsed credentials, ready for token requests. */
export type ParsedBoxCredentials = ParsedCredentials &
  (
    | {
        readonly kind: 'key-pair';
        readonly clientId: string;
        readonly clientSecret: Secret;
        readonly signer: AssertionSigner;
      }
    | { readonly kind: 'client-secret'; readonly clientId: string; readonly clientSecret: Secret }
    | { readonly kind: 'static-token'; readonly staticToken: StaticToken }
  );

export const boxCredentialsHelp: CredentialsHelp = {
  issuer: 'Box',
  hint: 'Download config.json again from the Configuration tab of the Box developer console, or correct the fields above.',
  docs: 'https://developer.box.com/guides/authentication/jwt/jwt-setup/',
  newKey: 'openssl genrsa -aes256 -out private.pem 2048',
  passphraseVariable: 'BOX_PRIVATE_KEY_PASSPHRASE',
};

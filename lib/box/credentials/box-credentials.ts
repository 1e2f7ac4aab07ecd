import type { CredentialsHelp } from '../../core/credentials/credentials-errors.js';
import type { Secret } from '../../core/errors/secret.js';
import type { StaticToken, ParsedCredentials } from '../../core/credentials/credentials-source.js';
import type { AssertionSigner, SigningFunction } from '../../core/credentials/assertion.js';
import type { SigningAlgorithm } from '../../core/credentials/private-key.js';

/** `config.json` as Box's developer console makes it. */
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

/** The service account (`enterpriseId`) or one user (`userId`): whom tokens are for unless a call asks otherwise. */
type DefaultSubject =
  | { readonly enterpriseId: string; readonly userId?: never }
  | { readonly userId: string; readonly enterpriseId?: never };

/** `config.json` on disk. A passphrase given here wins over the one in the file. */
export interface ConfigFileCredentials {
  readonly configFile: string;
  readonly passphrase?: string | undefined;
}

/** `config.json` as an object, as its JSON text, or as base64 of that. */
export interface ConfigCredentials {
  readonly config: BoxConfigJson | string;
  readonly passphrase?: string | undefined;
}

/** The fields of `config.json`, flat. `algorithm` defaults to `RS256`. */
export type KeyPairCredentials = DefaultSubject & {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly publicKeyId: string;
  /** PEM, encrypted or not. Literal `\n` for newlines, as in environment variables, is understood. */
  readonly privateKey: string;
  readonly passphrase?: string | undefined;
  readonly algorithm?: SigningAlgorithm | undefined;
};

/** A key pair whose private key stays where it is: `sign` asks a KMS, an HSM or a vault. `algorithm` defaults to `RS256`. */
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

/** A token from the developer console: 60 minutes, cannot be renewed. For trying things out. */
export interface DeveloperTokenCredentials {
  readonly developerToken: string;
}

/**
 * The app token of a Limited Access App: a long-lived token of the app's own service account, from the Configuration tab of
 * the developer console. It is used until Box refuses it. Primary and secondary token can be given together, as a list:
 * the next is used once Box refuses one.
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
 * An access token from elsewhere, such as a company gateway. Returned by a `credentials` function it is refreshed before
 * `expiresAt`, or once Box refuses it, by calling the function again. Given directly, it is never refreshed.
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
  /** When it expires, in milliseconds since the epoch. Default unknown: it is used until Box refuses it. */
  readonly expiresAt?: number | undefined;
}

/** What proves the app to Box, in any of its forms. */
export type BoxCredentials =
  | ConfigFileCredentials
  | ConfigCredentials
  | KeyPairCredentials
  | ExternalSignerCredentials
  | ClientCredentials
  | DeveloperTokenCredentials
  | AppTokenCredentials
  | AccessTokenCredentials;

/** Credentials; or several key pairs or tokens of one app, while they are rotated: the next is used once Box refuses one. */
export type GivenBoxCredentials = BoxCredentials | readonly BoxCredentials[];

/**
 * Credentials, or a function that is called for them at every token request, so that keys rotate without a restart. One that
 * returns a token is called when that is to be refreshed.
 */
export type BoxCredentialsSource =
  GivenBoxCredentials | (() => GivenBoxCredentials | Promise<GivenBoxCredentials>);

/** Credentials that were read and found good: what the token endpoint is asked with. */
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
  hint: 'Download config.json again from the Configuration tab of the Box developer console, or fix the fields named above.',
  docs: 'https://developer.box.com/guides/authentication/jwt/jwt-setup/',
  newKey: 'openssl genrsa -aes256 -out private.pem 2048',
  passphraseVariable: 'BOX_PRIVATE_KEY_PASSPHRASE',
};

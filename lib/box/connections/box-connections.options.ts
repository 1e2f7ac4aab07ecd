import * as v from 'valibot';
import {
  appAuthOptions,
  type AppAuthOptions,
  type ResolvedAppAuthOptions,
} from '../../core/app/app-auth.options.js';
import {
  invalidOption,
  objectWithMethods,
  optionError,
  parseOptions,
  secureUrl,
} from '../../core/app/option-checks.js';
import type { ConnectionVault } from '../../core/connections/connection-vault.js';
import type { KeyWrapper } from '../../core/connections/row-seal.js';
import {
  asciiText,
  isRecord,
  optionGroup,
  wholeNumberBetween,
} from '../../core/credentials/field-checks.js';
import { SECRET_EXPECTED, secretsIn } from '../../core/sealing/secret.option.js';
import { type ApiRetryOptions, apiRetriesSchema } from '../../core/http/api-retries.options.js';
import { boxApiUrl } from '../box-auth.options.js';
import { BOX_API_URL } from '../box-issuer.js';
import { boxAuthorizeUrl } from './box-authorization-server.js';

/** The options of an app that people connect their own Box accounts to. */
export interface BoxConnectionsOptions extends Pick<
  AppAuthOptions,
  'fetch' | 'renewal' | 'tokenEndpoint' | 'replayBufferBytes' | 'runtime'
> {
  /** The client id of an app with "User Authentication (OAuth 2.0)". */
  readonly clientId: string;
  readonly clientSecret: string;
  /** The address of the callback. One of the redirect URIs of the app in the developer console, character by character. */
  readonly redirectUri: string;
  /**
   * Encrypts the tokens before they go to the vault: at least 32 random characters, for example from `openssl rand -base64 32`,
   * or a list of such strings. The first one encrypts, any of them decrypts: to change it, deploy `[new, old]`, call `rekey`
   * until nothing is left, and deploy `new`. Needed unless `keys` is set.
   */
  readonly secret?: string | readonly string[] | undefined;
  /** A key management service that encrypts the tokens instead of `secret`. Default none. */
  readonly keys?: KeyWrapper | undefined;
  /** Where connections are stored, such as a `SqlConnectionVault`. All processes of the app share it. */
  readonly vault: ConnectionVault;
  /**
   * Where people sign in. Enterprises with Box Verified Enterprise use `https://ent.box.com/api/oauth2/authorize`.
   * Default `https://account.box.com/api/oauth2/authorize`, or the same path at `apiUrl` if that is not Box's own.
   */
  readonly authorizeUrl?: string | undefined;
  /**
   * The server of calls and token requests, for an emulator or a proxy. Its origin receives tokens; plain http is accepted on
   * loopback only. Default `https://api.box.com`.
   */
  readonly apiUrl?: string | undefined;
  /** More origins that may receive tokens. Default none. */
  readonly origins?: readonly string[] | undefined;
  /** Whether calls are repeated that Box has limited or not answered: see `BoxAuthOptions`. Default false. */
  readonly apiRetries?: boolean | ApiRetryOptions | undefined;
  /** The maximum number of connections whose tokens are cached; the least recently used one is evicted. Default 10,000. */
  readonly maxConnections?: number | undefined;
}

/** `BoxConnectionsOptions`, checked and with defaults. */
export interface ResolvedConnectionsOptions extends Pick<
  ResolvedAppAuthOptions,
  'fetch' | 'renewal' | 'tokenEndpoint' | 'replayBufferBytes' | 'runtime'
> {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUri: string;
  readonly secrets: readonly [string, ...string[]] | undefined;
  readonly keys?: KeyWrapper | undefined;
  readonly vault: ConnectionVault;
  readonly authorizeUrl: string;
  readonly apiUrl: string;
  readonly origins: readonly string[];
  readonly apiRetries: Required<ApiRetryOptions> | undefined;
  readonly maxConnections: number;
}

const MAX_CONNECTIONS = 10_000_000;

/** How to get the options that have no default. */
const REQUIRED = {
  clientId:
    'Pass the client id of an app with "User Authentication (OAuth 2.0)", or set BOX_OAUTH_CLIENT_ID.',
  clientSecret: 'Pass the client secret of the same app, or set BOX_OAUTH_CLIENT_SECRET.',
  redirectUri:
    'Pass a redirect URI of the app in the developer console, or set BOX_OAUTH_REDIRECT_URI.',
  vault: 'Pass a vault, such as a SqlConnectionVault of nestjs-box-auth/sql.',
} as const;

const { fetch, renewal, tokenEndpoint, replayBufferBytes, runtime } = appAuthOptions;

const boxConnectionsOptions = optionGroup({
  fetch,
  renewal,
  tokenEndpoint,
  replayBufferBytes,
  runtime,
  clientId: asciiText('the client id of the app, as a string'),
  clientSecret: asciiText('the client secret of the app, as a string'),
  redirectUri: v.pipe(
    v.string('the address of the callback, as a string'),
    v.check(
      (value) => URL.canParse(value),
      'an absolute URL, such as https://app.example.com/box/callback',
    ),
  ),
  secret: v.optional(v.unknown()), // checked below: the error must not show it
  keys: v.optional(objectWithMethods<KeyWrapper>('wrap', 'unwrap')),
  vault: objectWithMethods<ConnectionVault>(
    'load',
    'insert',
    'replace',
    'lease',
    'release',
    'remove',
    'list',
    'listIdle',
    'listOtherKeys',
    'putState',
    'useState',
  ),
  authorizeUrl: v.optional(v.nullable(secureUrl)),
  apiUrl: v.nullish(boxApiUrl, BOX_API_URL),
  origins: v.nullish(v.array(secureUrl, 'a list of URLs'), []),
  apiRetries: v.nullish(apiRetriesSchema, false),
  maxConnections: v.nullish(wholeNumberBetween(1, MAX_CONNECTIONS), 10_000),
} satisfies Record<keyof BoxConnectionsOptions, v.GenericSchema>);

/**
 * Checks the options and fills in the defaults. `extraOptionNames` are options that are set in the same object and checked
 * elsewhere.
 *
 * @throws BoxAuthError `option_invalid`, naming the option
 */
export function resolveConnectionsOptions(
  options: BoxConnectionsOptions,
  extraOptionNames: readonly string[] = [],
): ResolvedConnectionsOptions {
  checkRequired(options);
  const resolved = parseOptions(boxConnectionsOptions, options, extraOptionNames);
  const { apiUrl, keys, secret } = resolved;
  const secrets = secret === undefined ? undefined : secretsIn(secret);
  if (secret !== undefined && secrets === undefined) {
    throw invalidOption('secret', SECRET_EXPECTED, secret);
  }
  if (secrets === undefined && keys === undefined) {
    throw optionError(
      'The options `secret` and `keys` are both missing, so the vault could not encrypt the tokens.',
      'Pass a `secret`, for example from `openssl rand -base64 32`, or set BOX_OAUTH_VAULT_SECRET. Or pass the `keys` of a key management service.',
    );
  }
  return {
    ...resolved,
    secrets,
    authorizeUrl: resolved.authorizeUrl?.href ?? boxAuthorizeUrl(apiUrl),
    origins: [apiUrl, ...resolved.origins].map((url) => new URL(url).origin),
  };
}

function checkRequired(options: object): void {
  for (const [name, hint] of Object.entries(REQUIRED)) {
    if (isRecord(options) && options[name] === undefined) {
      throw optionError(`The option \`${name}\` is missing.`, hint);
    }
  }
}

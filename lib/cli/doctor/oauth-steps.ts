import { boxDocs } from '../../box/box-docs.js';
import { BoxAuthorizationServer } from '../../box/connections/box-authorization-server.js';
import { OAuthClient } from '../../core/connections/oauth-client.js';
import { readVariable } from '../../core/app/environment-variables.js';
import { BoxAuthError } from '../../core/errors/box-auth.error.js';
import { Secret } from '../../core/errors/secret.js';
import { isLoopback } from '../../core/http/url-rules.js';
import { SECRET_EXPECTED, secretsIn } from '../../core/sealing/secret.option.js';
import { tokenEndpointDefaults } from '../../core/token-endpoint/token-endpoint.options.js';
import type { CliContext, Variables } from '../cli-context.js';
import { abbreviated, printable } from '../terminal-text.js';
import type { DoctorFacts } from './doctor-report.js';
import type { StepOutcome } from './doctor-step.js';

/** The variables of an app that people connect their own accounts to. */
const OAUTH_VARIABLES = [
  'BOX_OAUTH_CLIENT_ID',
  'BOX_OAUTH_CLIENT_SECRET',
  'BOX_OAUTH_REDIRECT_URI',
  'BOX_OAUTH_VAULT_SECRET',
] as const;

/** Where the routes of the package expect the callback by default. */
const CALLBACK = '/box/callback';

/** No refresh token of Box: a client that is valid gets `invalid_grant`. */
const INVALID_REFRESH_TOKEN = 'nestjs-box-auth-doctor';

const UNCHECKED =
  'Not checked, because only Box knows it: whether this redirect URI is in the developer console.';

/** The OAuth app in the environment. */
export interface OAuthApp {
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly redirectUri: string;
}

/** Whether the environment has an OAuth app, or a part of one. */
export function hasOAuthApp(variables: Variables): boolean {
  return OAUTH_VARIABLES.some((name) => readVariable(variables, name) !== undefined);
}

/**
 * Checks the variables of the OAuth app.
 *
 * @throws BoxAuthError `option_invalid`, which names the variable
 */
export function readOAuthApp(variables: Variables): StepOutcome<'oauth', OAuthApp> {
  const get = (name: (typeof OAUTH_VARIABLES)[number]) => readVariable(variables, name);
  const clientId = get('BOX_OAUTH_CLIENT_ID');
  const clientSecret = get('BOX_OAUTH_CLIENT_SECRET');
  const redirectUri = get('BOX_OAUTH_REDIRECT_URI')?.trim();
  if (clientId === undefined || clientSecret === undefined || redirectUri === undefined) {
    const missing = OAUTH_VARIABLES.slice(0, 3).filter((name) => get(name) === undefined);
    throw invalid(
      `The environment has an OAuth app, but ${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing.`,
      'Copy the values from the Configuration tab of the app with "User Authentication (OAuth 2.0)", or pass them as options.',
    );
  }
  checkText('BOX_OAUTH_CLIENT_ID', clientId);
  checkText('BOX_OAUTH_CLIENT_SECRET', clientSecret);
  if (clientId === clientSecret) {
    throw invalid(
      'BOX_OAUTH_CLIENT_ID and BOX_OAUTH_CLIENT_SECRET have the same value.',
      'Copy both again from the Configuration tab of the developer console.',
    );
  }
  checkRedirectUri(redirectUri);
  const vaultSecret = get('BOX_OAUTH_VAULT_SECRET');
  checkVaultSecret(vaultSecret, clientSecret);
  const warnings = [
    ...redirectUriWarnings(redirectUri),
    ...(vaultSecret === undefined
      ? ['BOX_OAUTH_VAULT_SECRET is missing: the app needs the option `secret` or `keys`.']
      : []),
  ];
  const facts: Partial<DoctorFacts['oauth']> = {
    variables: OAUTH_VARIABLES.filter((name) => get(name) !== undefined),
    clientId: abbreviated(clientId),
    redirectUri: printable(redirectUri, [clientSecret]),
    warnings,
  };
  return {
    summary: [
      `Client ${facts.clientId}, redirect URI ${facts.redirectUri}.`,
      ...warnings,
      UNCHECKED,
    ].join('\n'),
    facts,
    ...(warnings.length > 0 ? { status: 'warning' } : {}),
    value: { clientId, clientSecret: new Secret(clientSecret), redirectUri },
  };
}

/**
 * Sends a refresh with an invalid refresh token. Box refuses only the token if it accepts the client. No connection changes.
 *
 * @throws BoxAuthError `client_invalid`, `grant_not_allowed`, and the other errors of a token request
 */
export async function checkOAuthClient(
  app: OAuthApp,
  apiUrl: string,
  { fetch, runtime }: CliContext,
): Promise<StepOutcome<'oauth-client'>> {
  const server = new BoxAuthorizationServer('', apiUrl);
  // The doctor reports the first failure.
  const limits = { ...tokenEndpointDefaults, attempts: 1 };
  const client = new OAuthClient(server, app, { limits, fetch, runtime, emit: () => undefined });
  try {
    await client.refresh(INVALID_REFRESH_TOKEN);
  } catch (error) {
    const isOnlyTheToken =
      error instanceof BoxAuthError && error.code === 'reauthorization_required';
    if (!isOnlyTheToken) throw error;
  }
  return {
    summary:
      'Box accepts the client id and the client secret: of the refresh that the doctor sent, it refused only the refresh token, which is invalid on purpose.',
    facts: { accepted: true },
    value: undefined,
  };
}

/** @throws BoxAuthError `option_invalid` */
function checkText(name: string, value: string): void {
  if (/^[\x21-\x7e]+$/.test(value) && !/["']/.test(value)) return;
  throw invalid(
    `${name} has quotes, spaces or other characters that neither a client id nor a client secret of Box has.`,
    'Copy the value again, without quotes and line breaks.',
  );
}

/** @throws BoxAuthError `option_invalid` */
function checkRedirectUri(text: string): void {
  if (/[\s"'\p{Cc}]/u.test(text) || !URL.canParse(text)) {
    throw invalidRedirectUri('an absolute URL without quotes and spaces');
  }
  const { protocol, hostname, username, password, hash } = new URL(text);
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(hostname))) {
    throw invalidRedirectUri('an https URL, or http on loopback');
  }
  if (username !== '' || password !== '') throw invalidRedirectUri('a URL without a user');
  if (hash !== '' || text.endsWith('#')) throw invalidRedirectUri('a URL without a fragment');
}

/** Properties that are allowed, but often differ from the developer console or the routes of the app. */
function redirectUriWarnings(text: string): readonly string[] {
  const { href, pathname, search } = new URL(text);
  return [
    ...(search === '' ? [] : ['The redirect URI has a query.']),
    ...(pathname.length > 1 && pathname.endsWith('/')
      ? ['The redirect URI ends with a slash: Box compares it character by character.']
      : []),
    ...(href === text || href === `${text}/`
      ? []
      : ['The redirect URI is not in its normal form: Box compares it character by character.']),
    ...(pathname.replace(/\/$/, '').endsWith(CALLBACK)
      ? []
      : [
          `Its path does not end with ${CALLBACK}: set \`routes.callback\`, or use your own route.`,
        ]),
  ];
}

/** @throws BoxAuthError `option_invalid` */
function checkVaultSecret(secret: string | undefined, clientSecret: string): void {
  if (secret === undefined) return;
  if (secretsIn(secret) === undefined) {
    throw invalid(
      `Invalid BOX_OAUTH_VAULT_SECRET: expected ${SECRET_EXPECTED}, received ${secret.length} characters.`,
      'Create one with `openssl rand -base64 32`. If connections are stored already, keep the old secret as the second one in the option `secret`.',
    );
  }
  if (secret === clientSecret) {
    throw invalid(
      'BOX_OAUTH_VAULT_SECRET is the client secret.',
      'Create a separate secret with `openssl rand -base64 32`: a client secret that is reset would make all connections unreadable.',
    );
  }
}

function invalidRedirectUri(expected: string): BoxAuthError {
  return invalid(
    `Invalid BOX_OAUTH_REDIRECT_URI: expected ${expected}.`,
    'Copy the redirect URI from the Configuration tab of the developer console, character by character.',
  );
}

function invalid(message: string, hint: string): BoxAuthError {
  return new BoxAuthError({ code: 'option_invalid', message, hint, docs: boxDocs.oauthSetup });
}

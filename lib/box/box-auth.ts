import {
  isAboutCredentials,
  namedError,
  type OnBadCredentials,
} from '../core/app/bad-credentials.js';
import { AppAuth, type IssuerDescription } from '../core/app/app-auth.js';
import type { FieldNames } from '../core/credentials/credentials-errors.js';
import { cachedKeyParser } from '../core/credentials/private-key.js';
import { type BoxAppOptions, resolveOptions, type ResolvedOptions } from './box-auth.options.js';
import type { ClientTransport } from '../core/http/client-transport.js';
import { BoxIssuer } from './box-issuer.js';
import { boxBaseUrlOf, boxHeaders, boxUrlRules } from './box-outgoing.js';
import { boxRetryRules } from './box-retry-rules.js';
import { type BoxApp, BoxTokenProvider } from './box-token.provider.js';
import {
  type BoxCredentials,
  type BoxCredentialsSource,
  boxCredentialsHelp,
  type ParsedBoxCredentials,
} from './credentials/box-credentials.js';
import { parseCredentials } from './credentials/parse-credentials.js';
import { Downscoping } from './downscope.js';
import { Revocation } from './revocation.js';
import { Tenants } from './tenants.js';

/** Details of a Box app for its events and errors. */
export interface BoxAuthContext {
  /** The name that distinguishes this app from the other Box apps of the process. */
  readonly name?: string | undefined;
  /** The names of the credentials and their fields in errors. Default: the option `credentials`. */
  readonly fieldNames?: FieldNames | undefined;
  /** Options that the caller handles itself. The error for an unknown option lists them too. */
  readonly extraOptionNames?: readonly string[];
}

/** One Box app, without Nest. */
export class BoxAuth extends AppAuth<BoxCredentials, ParsedBoxCredentials> implements BoxApp {
  readonly transport: ClientTransport | undefined = undefined;
  readonly provider: BoxTokenProvider;
  readonly downscoping: Downscoping;
  readonly revocation: Revocation;
  /** The address of uploads. */
  readonly uploadUrl: string;
  readonly tenants: Tenants;

  /** @throws BoxAuthError for invalid options and credentials (those of a function: at `readCredentials`) */
  constructor(
    options: BoxAppOptions,
    { name, fieldNames, extraOptionNames = [] }: BoxAuthContext = {},
  ) {
    const resolved = resolveOptions(options, extraOptionNames);
    const tenants = new Tenants(resolved.tenants, resolved.tenantRequired);
    const description = describeBox(resolved, tenants, fieldNames);
    super(description, resolved.credentials, resolved, name);
    this.tenants = tenants;
    this.uploadUrl = resolved.uploadUrl;
    this.downscoping = new Downscoping(this.tokens, this.endpoint);
    this.revocation = new Revocation(this.tokens, this.endpoint, this.apiUrl);
    this.provider = new BoxTokenProvider(this);
  }
}

/**
 * Creates a Box app. With `'isolate'`, bad credentials create one whose calls fail with the reason. The errors contain the name
 * of the app.
 *
 * @throws BoxAuthError for invalid options and credentials
 */
export function createBoxAuth(
  options: Omit<BoxAppOptions, 'credentials'>,
  credentials: () => BoxCredentialsSource,
  context: BoxAuthContext,
  onBadCredentials: OnBadCredentials,
): BoxAuth {
  try {
    return new BoxAuth({ ...options, credentials: credentials() }, context);
  } catch (thrown) {
    const error = namedError(thrown, context.name);
    if (onBadCredentials === 'fail' || !isAboutCredentials(error)) throw error;
    return new BoxAuth({ ...options, credentials: error }, context);
  }
}

function describeBox(
  { apiUrl, uploadUrl, origins, apiRetries, assertion }: ResolvedOptions,
  tenants: Tenants,
  fieldNames: FieldNames | undefined,
): IssuerDescription<BoxCredentials, ParsedBoxCredentials> {
  const parseKey = cachedKeyParser(boxCredentialsHelp);
  return {
    issuer: new BoxIssuer(apiUrl, assertion),
    credentialsHelp: boxCredentialsHelp,
    parseCredentials: (credentials, defaultNames) =>
      parseCredentials(credentials, fieldNames ?? defaultNames, parseKey),
    headers: boxHeaders,
    urlRules: boxUrlRules(origins),
    apiUrl,
    baseUrlOf: boxBaseUrlOf({ apiUrl, uploadUrl }),
    tenants,
    ...(apiRetries && { retries: { options: apiRetries, rules: boxRetryRules } }),
  };
}

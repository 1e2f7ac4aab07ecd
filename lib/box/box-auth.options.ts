import * as v from 'valibot';
import {
  appAuthOptions,
  type AppAuthOptions,
  type ResolvedAppAuthOptions,
} from '../core/app/app-auth.options.js';
import {
  booleanOption,
  functionOption,
  optionError,
  parseOptions,
  secureUrl,
} from '../core/app/option-checks.js';
import { isRecord, optionGroup, wholeNumberBetween } from '../core/credentials/field-checks.js';
import type { Subject } from '../core/credentials/subject.js';
import { type ApiRetryOptions, apiRetriesSchema } from '../core/http/api-retries.options.js';
import type { BoxAuthError } from '../core/errors/box-auth.error.js';
import type { AssertionOptions } from './box-assertion.js';
import { BOX_API_URL } from './box-issuer.js';
import { BOX_UPLOAD_URL } from './box-outgoing.js';
import type { BoxCredentialsSource } from './credentials/box-credentials.js';
import { isBoxId } from './credentials/box-id.js';
import { forms } from './credentials/credential-forms.js';
import type { BoxTenants } from './tenants.js';

/** The options of a Box app, with or without Nest. */
export interface BoxAuthOptions extends AppAuthOptions {
  /** The app's credentials, or a function that returns them (or a Promise of them) at every token request. */
  readonly credentials: BoxCredentialsSource;
  /**
   * The server of calls and token requests, for an emulator or a proxy. Its origin receives tokens; plain http is accepted on
   * loopback only.
   * Default `https://api.box.com`.
   */
  readonly apiUrl?: string | undefined;
  /**
   * The server of uploads: paths below `/api/2.0/` are sent there, all others to `apiUrl`. Its origin receives tokens. If
   * `apiUrl` is not Box's own, the default is `apiUrl`.
   * Default `https://upload.box.com`.
   */
  readonly uploadUrl?: string | undefined;
  /** More origins that may receive tokens, such as `https://box-proxy.example.com`. Default none. */
  readonly origins?: readonly string[] | undefined;
  /** The maximum number of cached subjects besides the app's own; the least recently used one is evicted. Default 10,000. */
  readonly maxSubjects?: number | undefined;
  /**
   * Subjects whose tokens are refreshed without any call, from bootstrap on; `'own'` is the credentials' own subject.
   * Default none.
   */
  readonly keepWarm?: readonly (Subject | 'own')[] | undefined;
  /**
   * The enterprises that the app serves besides its own: their ids, or a function that returns true for such an id, asked once
   * for each request. Needed for `@ForEnterprise` and `runFor`. Default: none.
   */
  readonly tenants?: BoxTenants | undefined;
  /** Whether calls that name no enterprise are refused, instead of being made for the app's own. Default false. */
  readonly tenantRequired?: boolean | undefined;
  /**
   * Whether calls of `BoxFetch`, axios and undici are repeated after a 429, a temporary failure of Box or a broken connection.
   * `true`, or an object with settings. The SDK has retries of its own. Default false.
   */
  readonly apiRetries?: boolean | ApiRetryOptions | undefined;
  /** How assertions are built, where Box leaves a choice. */
  readonly assertion?: AssertionOptions | undefined;
}

/** The options of a Box app, or an error that is the reason why it has no credentials. */
export interface BoxAppOptions extends Omit<BoxAuthOptions, 'credentials'> {
  readonly credentials: BoxCredentialsSource | BoxAuthError;
}

/** `BoxAuthOptions`, checked and with defaults. The credentials are not parsed yet. */
export interface ResolvedOptions extends ResolvedAppAuthOptions {
  readonly credentials: BoxCredentialsSource | BoxAuthError;
  readonly apiUrl: string;
  readonly uploadUrl: string;
  readonly origins: readonly string[];
  readonly tenants?: BoxTenants | undefined;
  readonly tenantRequired: boolean;
  /** Undefined if calls are not repeated. */
  readonly apiRetries: Required<ApiRetryOptions> | undefined;
  readonly assertion: AssertionOptions;
}

const MAX_SUBJECTS = 10_000_000; // the cache allocates room for each of them at once

/** The URL of Box, or of an emulator or a proxy. */
export const boxApiUrl = v.pipe(
  secureUrl,
  v.check(
    ({ pathname }) => !/\/\d+\.\d+\/?$/.test(pathname),
    'a URL without the API version at its end, as calls have it in their paths',
  ),
  v.transform(({ href }) => href.replace(/(?<!\/)\/+$/, '')),
);

const SUBJECT =
  "'own' or { type: 'enterprise' or 'user', id: a string of 1 to 20 digits that does not begin with 0 } (a user may also have enterprise, a string like id)";

const boxId = v.custom<string>(isBoxId);

const subject = v.union([
  v.object({ type: v.literal('enterprise'), id: boxId, enterprise: v.optional(v.undefined()) }),
  v.object({ type: v.literal('user'), id: boxId, enterprise: v.optional(boxId) }),
]);

const boxAuthOptions = optionGroup({
  ...appAuthOptions,
  credentials: v.optional(v.unknown()), // parsed by CredentialsSource
  apiUrl: v.nullish(boxApiUrl, BOX_API_URL),
  uploadUrl: v.optional(v.nullable(boxApiUrl)),
  origins: v.nullish(v.array(secureUrl, 'a list of URLs'), []),
  maxSubjects: v.nullish(wholeNumberBetween(1, MAX_SUBJECTS), 10_000),
  keepWarm: v.nullish(
    v.array(v.union([v.literal('own'), subject], SUBJECT), 'a list of subjects'),
    [],
  ),
  tenants: v.optional(
    v.union(
      [v.array(boxId), functionOption<BoxTenants & Function>()],
      'a list of Box enterprise ids, strings of 1 to 20 digits that do not begin with 0, or a function',
    ),
  ),
  tenantRequired: v.nullish(booleanOption, false),
  apiRetries: v.nullish(apiRetriesSchema, false),
  assertion: v.nullish(optionGroup({ issuedAt: v.optional(booleanOption, false) }), {}),
} satisfies Record<keyof BoxAuthOptions, v.GenericSchema>);

/**
 * Checks the options and fills in the defaults. `extraOptionNames` are options that are set in the same object and checked
 * elsewhere.
 *
 * @throws BoxAuthError `option_invalid`, naming the option
 */
export function resolveOptions(
  options: BoxAppOptions,
  extraOptionNames: readonly string[] = [],
): ResolvedOptions {
  rejectCredentialFields(options);
  const resolved = parseOptions(boxAuthOptions, options, extraOptionNames);
  const { apiUrl } = resolved;
  if (resolved.tenantRequired && resolved.tenants === undefined) {
    throw optionError(
      'The option `tenantRequired` needs the option `tenants`: the enterprises that the app serves.',
      'Pass the enterprise ids of your tenants, or a function that looks them up, as `tenants`.',
    );
  }
  const uploadUrl = resolved.uploadUrl ?? (apiUrl === BOX_API_URL ? BOX_UPLOAD_URL : apiUrl);
  return {
    ...resolved,
    credentials: options.credentials,
    uploadUrl,
    origins: [apiUrl, uploadUrl, ...resolved.origins].map((url) => new URL(url).origin),
  };
}

/** Fields of credentials next to the options, not inside `credentials`, are a common mistake. */
function rejectCredentialFields(options: object): void {
  const field = Object.keys(forms).find((name) => isRecord(options) && name in options);
  if (field === undefined) return;
  throw optionError(
    `Unknown option \`${field}\`: it is a field of \`credentials\`.`,
    `Write { credentials: { ${field} … } }.`,
  );
}

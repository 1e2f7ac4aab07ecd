import * as v from 'valibot';
import {
  appAuthOptions,
  type AppAuthOptions,
  type ResolvedAppAuthOptions,
} from '../core/app/app-auth.options.js';
import { booleanOption, parseOptions, secureUrl } from '../core/app/option-checks.js';
import { optionGroup } from '../core/credentials/field-checks.js';
import type { WorkfrontCredentials } from './workfront-credentials.js';

/** The address of Workfront: exactly one of the two options. */
export interface WorkfrontAddress {
  /**
   * The part before `.my.workfront.com`, such as `acme`; or the whole host, such as `acme.my.workfront.adobe.com` or
   * `acme.preview.workfront.com`.
   */
  readonly domain?: string | undefined;
  /** The URL, such as `https://acme.my.workfront.com`, also of an emulator or a proxy. */
  readonly url?: string | undefined;
}

/** The options of a Workfront application, with or without Nest. */
export interface WorkfrontAuthOptions
  extends AppAuthOptions, WorkfrontAddress, WorkfrontCredentials {
  /** Refresh the session without any call, from bootstrap on. Default false. */
  readonly keepWarm?: boolean | undefined;
}

/** `WorkfrontAuthOptions`, checked and with defaults. The credentials are not parsed yet. */
export interface ResolvedWorkfrontOptions extends ResolvedAppAuthOptions {
  readonly origin: string;
  readonly credentials: WorkfrontCredentials;
}

const DOMAIN = "a name such as 'acme', or a host such as 'acme.my.workfront.adobe.com'";

/** The origin of a Workfront URL. */
export const workfrontUrl = v.pipe(
  secureUrl,
  v.check(({ pathname }) => pathname === '/', 'a URL without a path'),
  v.transform(({ origin }) => origin),
);

/** The origin of a Workfront domain. */
export const workfrontDomain = v.pipe(
  v.string(DOMAIN),
  v.regex(/^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/i, DOMAIN),
  v.transform(
    (domain) => `https://${domain.includes('.') ? domain : `${domain}.my.workfront.com`}`,
  ),
  secureUrl,
  v.transform(({ origin }) => origin),
);

const credential = v.optional(v.unknown()); // parsed by CredentialsSource

const workfrontAuthOptions = v.pipe(
  optionGroup({
    ...appAuthOptions,
    clientId: credential,
    clientSecret: credential,
    customerId: credential,
    userId: credential,
    privateKey: credential,
    passphrase: credential,
    domain: v.optional(workfrontDomain),
    url: v.optional(workfrontUrl),
    keepWarm: v.optional(booleanOption, false),
  } satisfies Record<keyof WorkfrontAuthOptions, v.GenericSchema>),
  v.forward(
    v.check(
      ({ domain, url }) => domain !== undefined || url !== undefined,
      "either `domain` ('acme', or a whole host) or `url` ('https://acme.my.workfront.com')",
    ),
    ['domain'],
  ),
  v.forward(
    v.check(
      ({ domain, url }) => domain === undefined || url === undefined,
      'no `domain` in addition to `url`',
    ),
    ['domain'],
  ),
);

/**
 * Checks the options and fills in the defaults. `extraOptionNames` are options that are set in the same object and checked
 * elsewhere.
 *
 * @throws BoxAuthError `option_invalid`, naming the option
 */
export function resolveWorkfrontOptions(
  options: WorkfrontAuthOptions,
  extraOptionNames: readonly string[] = [],
): ResolvedWorkfrontOptions {
  const { domain, url, keepWarm, ...resolved } = parseOptions(
    workfrontAuthOptions,
    options,
    extraOptionNames,
  );
  const { clientId, clientSecret, customerId, userId, privateKey, passphrase } = options;
  return {
    ...resolved,
    origin: url ?? domain ?? '',
    credentials: { clientId, clientSecret, customerId, userId, privateKey, passphrase },
    maxSubjects: 1,
    keepWarm: keepWarm ? ['own'] : [],
  };
}

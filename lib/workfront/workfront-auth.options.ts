import {
  type AppAuthOptions,
  resolveAppAuthOptions,
  type ResolvedAppAuthOptions,
} from '../core/app/app-auth.options.js';
import { checkedUrl, invalidOption } from '../core/app/option-checks.js';
import type { WorkfrontCredentials } from './workfront-credentials.js';

/** Where Workfront is: one of the two. */
export interface WorkfrontAddress {
  /**
   * What stands before `.my.workfront.com`, such as `acme`; or the whole host, such as `acme.my.workfront.adobe.com` or
   * `acme.preview.workfront.com`.
   */
  readonly domain?: string | undefined;
  /** The whole address, such as `https://acme.my.workfront.com`: also of an emulator or a proxy. */
  readonly url?: string | undefined;
}

/** Everything that can be set for Workfront: what works without Nest as well. */
export interface WorkfrontAuthOptions
  extends AppAuthOptions, WorkfrontAddress, WorkfrontCredentials {
  /** Renew the session although nobody asks, from bootstrap on. Default false. */
  readonly keepWarm?: boolean | undefined;
}

/** The options with their defaults, checked; the credentials as they were given. */
export interface ResolvedWorkfrontOptions extends ResolvedAppAuthOptions {
  readonly origin: string;
  readonly credentials: WorkfrontCredentials;
}

const CREDENTIALS = [
  'clientId',
  'clientSecret',
  'customerId',
  'userId',
  'privateKey',
  'passphrase',
] as const;

/**
 * Fills in the defaults and checks the rest. `extraOptionNames` names what can be set beside the options.
 *
 * @throws BoxAuthError `option_invalid`, naming the option
 */
export function resolveWorkfrontOptions(
  options: WorkfrontAuthOptions,
  extraOptionNames: readonly string[] = [],
): ResolvedWorkfrontOptions {
  const known = [...CREDENTIALS, 'domain', 'url', 'keepWarm'];
  const resolved = resolveAppAuthOptions(options, known, extraOptionNames);
  const { clientId, clientSecret, customerId, userId, privateKey, passphrase, keepWarm } = options;
  if (keepWarm !== undefined && typeof keepWarm !== 'boolean') {
    throw invalidOption('keepWarm', undefined, 'true or false');
  }
  return {
    ...resolved,
    origin: originOf(options),
    credentials: { clientId, clientSecret, customerId, userId, privateKey, passphrase },
    maxSubjects: 1,
    keepWarm: keepWarm === true ? ['own'] : [],
  };
}

function originOf({ domain, url }: WorkfrontAddress): string {
  if (url !== undefined && domain === undefined) return originOfUrl('url', url);
  if (domain !== undefined && url === undefined) return originOfDomain('domain', domain);
  throw invalidOption(
    'domain',
    undefined,
    "domain ('acme', or a whole host) or url ('https://acme.my.workfront.com'), one of the two",
  );
}

/** @throws BoxAuthError `option_invalid`, which `invalid` makes */
export function originOfUrl(name: string, url: string, invalid = invalidOption): string {
  const address = checkedUrl(name, url, invalid);
  if (address.pathname !== '/') throw invalid(name, undefined, 'an address without a path');
  return address.origin;
}

/** @throws BoxAuthError `option_invalid`, which `invalid` makes */
export function originOfDomain(name: string, domain: string, invalid = invalidOption): string {
  if (typeof domain !== 'string' || !/^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/i.test(domain)) {
    throw invalid(
      name,
      undefined,
      "a name such as 'acme', or a host such as 'acme.my.workfront.adobe.com'",
    );
  }
  const host = domain.includes('.') ? domain : `${domain}.my.workfront.com`;
  return checkedUrl(name, `https://${host}`, invalid).origin;
}

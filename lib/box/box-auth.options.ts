import {
  type AppAuthOptions,
  resolveAppAuthOptions,
  type ResolvedAppAuthOptions,
} from '../core/app/app-auth.options.js';
import { checkedUrl, invalidOption, wholeFromOne } from '../core/app/option-checks.js';
import type { AssertionOptions } from './box-assertion.js';
import { BOX_API_URL } from './box-issuer.js';
import type { BoxCredentialsSource } from './credentials/box-credentials.js';
import { isBoxId } from './credentials/box-id.js';
import { forms } from './credentials/credential-forms.js';
import { isRecord } from '../core/credentials/field-checks.js';
import type { Subject } from '../core/credentials/subject.js';

/** Everything that can be set for Box: what works without Nest as well. */
export interface BoxAuthOptions extends AppAuthOptions {
  /** What proves the app to Box, or a function, sync or async, that is asked for it at every mint. */
  readonly credentials: BoxCredentialsSource;
  /**
   * Where calls and token requests go: an emulator or a proxy. Its origin gets tokens; plain http only on loopback.
   * Default `https://api.box.com`.
   */
  readonly apiUrl?: string | undefined;
  /** Further origins that get tokens, such as `https://box-proxy.example.com`. Default none. */
  readonly origins?: readonly string[] | undefined;
  /** How many subjects' tokens are kept beside the app's own; the least recently used goes. Default 10,000. */
  readonly maxSubjects?: number | undefined;
  /**
   * Whose tokens are renewed although nobody asks, from bootstrap on: `'own'` is the subject that the credentials stand for.
   * Default none.
   */
  readonly keepWarm?: readonly (Subject | 'own')[] | undefined;
  /** How assertions are made, where Box leaves a choice. */
  readonly assertion?: AssertionOptions | undefined;
}

/** The options with their defaults, checked. */
export interface ResolvedOptions extends ResolvedAppAuthOptions {
  readonly credentials: BoxCredentialsSource;
  readonly apiUrl: string;
  readonly origins: readonly string[];
  readonly assertion: AssertionOptions;
}

const MAX_SUBJECTS = 10_000_000; // room for each is made at once

const OF_BOX = ['credentials', 'apiUrl', 'origins', 'maxSubjects', 'keepWarm', 'assertion'];

/**
 * Fills in the defaults and checks the rest. `extraOptionNames` names what can be set beside the options.
 *
 * @throws BoxAuthError `option_invalid`, naming the option
 */
export function resolveOptions(
  options: BoxAuthOptions,
  extraOptionNames: readonly string[] = [],
): ResolvedOptions {
  checkCredentialsApart(options);
  const resolved = resolveAppAuthOptions(options, OF_BOX, extraOptionNames);
  const apiUrl = checkedApiUrl('apiUrl', options.apiUrl ?? BOX_API_URL);
  return {
    ...resolved,
    credentials: options.credentials,
    apiUrl: apiUrl.href.replace(/(?<!\/)\/+$/, ''),
    origins: [apiUrl.origin, ...checkedOrigins(options.origins ?? [])],
    maxSubjects: wholeFromOne('maxSubjects', options.maxSubjects ?? 10_000, MAX_SUBJECTS),
    keepWarm: checkedKeepWarm(options.keepWarm ?? []),
    assertion: checkedAssertion(options.assertion ?? {}),
  };
}

/** The fields of credentials are not options themselves: easily done, and easily told. */
function checkCredentialsApart(options: object): void {
  const field = Object.keys(forms).find((name) => isRecord(options) && name in options);
  if (field === undefined) return;
  throw invalidOption(field, undefined, `to stand in credentials: { credentials: { ${field} … } }`);
}

/**
 * `invalid` makes the error, for what is no option.
 *
 * @throws BoxAuthError `option_invalid` unless it is the address of Box, or of what stands in its place
 */
export function checkedApiUrl(name: string, value: string, invalid = invalidOption): URL {
  const url = checkedUrl(name, value, invalid);
  if (/\/\d+\.\d+\/?$/.test(url.pathname)) {
    throw invalid(name, undefined, 'an address without the version at its end: calls have it');
  }
  return url;
}

function checkedKeepWarm(subjects: readonly (Subject | 'own')[]): readonly (Subject | 'own')[] {
  if (!isListOf(subjects, isSubject)) {
    throw invalidOption('keepWarm', undefined, "a list of 'own' and of { type, id }");
  }
  return subjects;
}

function checkedAssertion(assertion: AssertionOptions): AssertionOptions {
  const { issuedAt, ...unknown } = isRecord(assertion) ? assertion : { issuedAt: null };
  const isBoolean = issuedAt === undefined || typeof issuedAt === 'boolean';
  if (isBoolean && Object.keys(unknown).length === 0) return assertion;
  throw invalidOption('assertion', undefined, '{ issuedAt: true or false }');
}

function isSubject(subject: unknown): boolean {
  if (subject === 'own') return true;
  if (!isRecord(subject)) return false;
  const { type, id } = subject;
  return (type === 'enterprise' || type === 'user') && isBoxId(id);
}

function checkedOrigins(origins: readonly string[]): readonly string[] {
  if (!isListOf(origins, (origin) => typeof origin === 'string')) {
    throw invalidOption('origins', undefined, 'a list of addresses');
  }
  return origins.map((origin) => checkedUrl('origins', origin).origin);
}

/** Of what has a type, and may come from code without any. */
function isListOf(value: unknown, isElement: (element: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isElement);
}

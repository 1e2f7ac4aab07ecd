import { createSecretKey } from 'node:crypto';
import { boxDocs } from '../../box/box-docs.js';
import type {
  BoxCredentials,
  ParsedBoxCredentials,
} from '../../box/credentials/box-credentials.js';
import { parseCredentials } from '../../box/credentials/parse-credentials.js';
import type { KeyNames, ParsedKey } from '../../core/credentials/private-key.js';
import { BoxAuthError } from '../../core/errors/box-auth.error.js';
import { openBoxKey } from '../rsa-key.js';
import { notFilledIn, type OpenField } from '../config-skeleton.js';
import { abbreviated } from '../terminal-text.js';
import type { Configuration } from './configuration.js';
import type { DoctorFacts, DoctorGrant } from './doctor-report.js';
import type { StepOutcome } from './doctor-step.js';
import { keyFormOf } from './key-form.js';

/** A private key as it stands in the credentials. */
export interface GivenKey {
  readonly text: string;
  readonly passphrase: string | undefined;
  readonly names: KeyNames;
}

/** Credentials whose fields are in order. */
export interface ReadFields {
  readonly grant: DoctorGrant;
  /** Undefined for an app that has none. */
  readonly key: GivenKey | undefined;
  /** What must not be shown, should an answer repeat it. */
  readonly secrets: readonly string[];
}

/** A private key, and what opening it has shown. */
export interface TriedKey extends GivenKey {
  readonly opened?: ParsedKey;
  readonly problem?: BoxAuthError;
}

const GRANTS: Readonly<Record<ParsedBoxCredentials['kind'], DoctorGrant>> = {
  'key-pair': 'jwt-bearer',
  'client-secret': 'client_credentials',
  'static-token': 'none',
};

/** Stands for the private key until that is looked at: the fields come first. */
const NOT_OPENED: ParsedKey = { key: createSecretKey(Buffer.alloc(32)), thumbprint: '' };

/**
 * Looks at all fields.
 *
 * @throws BoxAuthError `config_invalid`, naming the fields
 */
export function readFields({
  credentials,
  config,
  place,
}: Configuration): StepOutcome<'fields', ReadFields> {
  const open = notFilledIn(config);
  if (open.length > 0) {
    return {
      summary: '',
      facts: { notFilledIn: open.map(({ field }) => field) },
      problem: notFilledInError(open),
      value: { grant: 'jwt-bearer', key: undefined, secrets: [] },
    };
  }
  let key: GivenKey | undefined;
  const read = parseCredentials(credentials, place, (text, passphrase, names) => {
    key = { text, passphrase, names };
    return NOT_OPENED;
  });
  const grant = GRANTS[read.kind];
  const facts = { grant, ...factsOf(read) } as const;
  return {
    summary: fieldsSummary(read, facts),
    facts,
    value: { grant, key, secrets: secretsOf(read, key) },
  };
}

/** Opens the key. What goes wrong is told by the step that it belongs to. */
export function tryKey(key: GivenKey): TriedKey {
  try {
    return { ...key, opened: openBoxKey(key.text, key.passphrase, key.names) };
  } catch (error) {
    if (!(error instanceof BoxAuthError)) throw error;
    return { ...key, problem: error };
  }
}

/** All of the key but what is about its passphrase. */
export function describeKey({ text, opened, problem }: TriedKey): StepOutcome<'key'> {
  const facts: Partial<DoctorFacts['key']> = { ...keyFormOf(text), ...openedFacts(opened) };
  return {
    summary: keySummary(facts),
    facts,
    problem: isAboutPassphrase(problem) ? undefined : problem,
    value: undefined,
  };
}

export function describePassphrase(
  { text, passphrase, problem }: TriedKey,
  credentials: BoxCredentials,
): StepOutcome<'passphrase'> {
  if (keyFormOf(text).encrypted !== true) {
    return {
      summary: 'None is needed: the key is not encrypted.',
      facts: { source: 'none needed' },
      value: undefined,
    };
  }
  const isApart = 'passphrase' in credentials && credentials.passphrase !== undefined;
  return {
    summary: `The one in ${isApart ? 'the environment' : 'config.json'} opens the key.`,
    facts: passphrase === undefined ? {} : { source: isApart ? 'variable' : 'config.json' },
    problem,
    value: undefined,
  };
}

function isAboutPassphrase(problem: BoxAuthError | undefined): boolean {
  return problem?.code === 'key_passphrase_missing' || problem?.code === 'key_passphrase_wrong';
}

function fieldsSummary(read: ParsedBoxCredentials, facts: Partial<DoctorFacts['fields']>): string {
  if (read.kind === 'static-token') {
    return `An existing ${read.staticToken.name}, of ${read.staticToken.owner}.`;
  }
  const { clientId, publicKeyId, subjectType, subjectId } = facts;
  const proof = read.kind === 'key-pair' ? `public key ${publicKeyId}` : 'a client secret';
  return `Client ${clientId}, ${proof}, tokens for ${subjectType} ${subjectId}.`;
}

function factsOf(read: ParsedBoxCredentials): Partial<DoctorFacts['fields']> {
  const { clientId, subject } = read;
  const keyId = read.kind === 'key-pair' ? read.signer.publicKeyId : undefined;
  return {
    ...(clientId === undefined ? {} : { clientId: abbreviated(clientId) }),
    ...(keyId === undefined ? {} : { publicKeyId: shownKeyId(keyId) }),
    subjectType: subject.type,
    subjectId: subject.id,
  };
}

function secretsOf(read: ParsedBoxCredentials, key: GivenKey | undefined): readonly string[] {
  const secret = read.kind === 'static-token' ? read.staticToken.value : read.clientSecret;
  return [secret.reveal(), key?.passphrase ?? ''];
}

/** Box's own are eight characters; anything else may be a secret in the wrong place. */
function shownKeyId(id: string): string {
  return /^[a-z0-9]{8}$/.test(id) ? id : abbreviated(id);
}

function openedFacts(opened: ParsedKey | undefined): Partial<DoctorFacts['key']> {
  if (opened === undefined) return {};
  const bits = opened.key.asymmetricKeyDetails?.modulusLength;
  return { ...(bits === undefined ? {} : { bits }), thumbprint: opened.thumbprint };
}

function keySummary(facts: Partial<DoctorFacts['key']>): string {
  const { format, encrypted, cipher, kdf, iterations, bits } = facts;
  const times = iterations === undefined ? '' : `, ${iterations} iterations`;
  const how = encrypted === true ? `encrypted (${cipher}; ${kdf}${times})` : 'not encrypted';
  const size = bits === undefined ? 'its size shows when it is open' : `RSA, ${bits} bits`;
  return `${format}, ${how}; ${size}.`;
}

function notFilledInError(open: readonly OpenField[]): BoxAuthError {
  return new BoxAuthError({
    code: 'config_invalid',
    message: `The configuration is not filled in yet: ${open.map(({ field }) => field).join(', ')}.`,
    hint: `The Box developer console has them:\n${open.map(({ field, place }) => `  - ${field}: ${place}`).join('\n')}`,
    docs: boxDocs.jwtSetup,
  });
}

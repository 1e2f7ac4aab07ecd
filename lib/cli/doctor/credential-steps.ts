import { createSecretKey } from 'node:crypto';
import { boxDocs } from '../../box/box-docs.js';
import type {
  BoxCredentials,
  ParsedBoxCredentials,
} from '../../box/credentials/box-credentials.js';
import { parseCredentials } from '../../box/credentials/parse-credentials.js';
import type { KeyNames, ParsedKey } from '../../core/credentials/private-key.js';
import { BoxAuthError } from '../../core/errors/box-auth.error.js';
import { parseBoxKey } from '../rsa-key.js';
import { type UnfilledField, unfilledFields } from '../config-skeleton.js';
import { abbreviated } from '../terminal-text.js';
import type { Configuration } from './configuration.js';
import type { DoctorFacts, DoctorGrant } from './doctor-report.js';
import type { StepOutcome } from './doctor-step.js';
import { keyFormOf } from './key-form.js';

/** A private key in the credentials, not parsed yet. */
export interface GivenKey {
  readonly text: string;
  readonly passphrase: string | undefined;
  readonly names: KeyNames;
}

/** The result of validating the fields. */
export interface ValidFields {
  readonly grant: DoctorGrant;
  /** Undefined if the credentials have no key. */
  readonly key: GivenKey | undefined;
  /** Values that must never be printed, even if a response repeats them. */
  readonly secrets: readonly string[];
}

/** A private key and the result of parsing it. */
export interface TriedKey extends GivenKey {
  readonly parsed?: ParsedKey;
  readonly problem?: BoxAuthError;
}

const GRANTS: Readonly<Record<ParsedBoxCredentials['kind'], DoctorGrant>> = {
  'key-pair': 'jwt-bearer',
  'client-secret': 'client_credentials',
  'static-token': 'none',
};

/** A placeholder for the private key while the fields are checked. A later step parses the key. */
const UNPARSED_KEY: ParsedKey = { key: createSecretKey(Buffer.alloc(32)), thumbprint: '' };

/**
 * Checks all fields.
 *
 * @throws BoxAuthError `config_invalid`, which names the fields
 */
export function readFields({
  credentials,
  config,
  fieldNames,
}: Configuration): StepOutcome<'fields', ValidFields> {
  const unfilled = unfilledFields(config);
  if (unfilled.length > 0) {
    return {
      summary: '',
      facts: { notFilledIn: unfilled.map(({ field }) => field) },
      problem: unfilledError(unfilled),
      value: { grant: 'jwt-bearer', key: undefined, secrets: [] },
    };
  }
  let key: GivenKey | undefined;
  const read = parseCredentials(credentials, fieldNames, (text, passphrase, names) => {
    key = { text, passphrase, names };
    return UNPARSED_KEY;
  });
  const grant = GRANTS[read.kind];
  const facts = { grant, ...factsOf(read) } as const;
  return {
    summary: fieldsSummary(read, facts),
    facts,
    value: { grant, key, secrets: secretsOf(read, key) },
  };
}

/** Parses the key. The steps `key` and `passphrase` report an error. */
export function tryKey(key: GivenKey): TriedKey {
  try {
    return { ...key, parsed: parseBoxKey(key.text, key.passphrase, key.names) };
  } catch (error) {
    if (!(error instanceof BoxAuthError)) throw error;
    return { ...key, problem: error };
  }
}

/** Describes the key, and reports problems other than those of its passphrase. */
export function describeKey({ text, parsed, problem }: TriedKey): StepOutcome<'key'> {
  const facts: Partial<DoctorFacts['key']> = { ...keyFormOf(text), ...parsedFacts(parsed) };
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
      summary: 'Not needed: the key is not encrypted.',
      facts: { source: 'none needed' },
      value: undefined,
    };
  }
  const isInVariable = 'passphrase' in credentials && credentials.passphrase !== undefined;
  return {
    summary: `The passphrase in ${isInVariable ? 'the environment' : 'config.json'} opens the key.`,
    facts: passphrase === undefined ? {} : { source: isInVariable ? 'variable' : 'config.json' },
    problem,
    value: undefined,
  };
}

function isAboutPassphrase(problem: BoxAuthError | undefined): boolean {
  return problem?.code === 'key_passphrase_missing' || problem?.code === 'key_passphrase_wrong';
}

function fieldsSummary(read: ParsedBoxCredentials, facts: Partial<DoctorFacts['fields']>): string {
  if (read.kind === 'static-token') {
    return `A fixed ${read.staticToken.name} of ${read.staticToken.owner}.`;
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

/** Box's key ids have eight characters; any other value may be a misplaced secret. */
function shownKeyId(id: string): string {
  return /^[a-z0-9]{8}$/.test(id) ? id : abbreviated(id);
}

function parsedFacts(parsed: ParsedKey | undefined): Partial<DoctorFacts['key']> {
  if (parsed === undefined) return {};
  const bits = parsed.key.asymmetricKeyDetails?.modulusLength;
  return { ...(bits === undefined ? {} : { bits }), thumbprint: parsed.thumbprint };
}

function keySummary(facts: Partial<DoctorFacts['key']>): string {
  const { format, encrypted, cipher, kdf, iterations, bits } = facts;
  const iterationText = iterations === undefined ? '' : `, ${iterations} iterations`;
  const encryption =
    encrypted === true ? `encrypted (${cipher}; ${kdf}${iterationText})` : 'not encrypted';
  const size = bits === undefined ? 'size unknown until it is decrypted' : `RSA, ${bits} bits`;
  return `${format}, ${encryption}; ${size}.`;
}

function unfilledError(unfilled: readonly UnfilledField[]): BoxAuthError {
  return new BoxAuthError({
    code: 'config_invalid',
    message: `The configuration still has placeholders: ${unfilled.map(({ field }) => field).join(', ')}.`,
    hint: `Copy the values from the Box developer console:\n${unfilled.map(({ field, location }) => `  - ${field}: ${location}`).join('\n')}`,
    docs: boxDocs.jwtSetup,
  });
}

import type { BoxAuthErrorCode } from '../../core/errors/error-codes.js';

/** What the doctor may find out in each step. A fact that it does not know is missing. */
export interface DoctorFacts {
  /** Where the credentials are, and where Box is. */
  readonly configuration: {
    readonly source: 'argument' | 'BOX_CONFIG_FILE' | 'BOX_CONFIG' | 'variables';
    /** The absolute path of `config.json`. */
    readonly file: string;
    /** Whether others on this machine may read that file. */
    readonly readableByOthers: boolean;
    /** The names of the variables that the credentials are in. */
    readonly variables: readonly string[];
    readonly apiUrl: string;
  };
  /** What stands in them. */
  readonly fields: {
    readonly grant: DoctorGrant;
    /** The first characters of the client id, and its length. */
    readonly clientId: string;
    readonly publicKeyId: string;
    readonly subjectType: 'enterprise' | 'user';
    readonly subjectId: string;
    /** The fields that `keygen` left open. */
    readonly notFilledIn: readonly string[];
  };
  readonly key: {
    readonly format: 'PKCS#8' | 'PKCS#1' | 'SEC 1';
    readonly encrypted: boolean;
    /** As OpenSSL calls it, or the object identifier of one that is not known here. */
    readonly cipher: string;
    readonly kdf: string;
    readonly iterations: number;
    readonly type: string;
    readonly bits: number;
    /** SHA-256 of the public key (DER, SubjectPublicKeyInfo) in base64url. */
    readonly thumbprint: string;
  };
  readonly passphrase: {
    readonly source: 'config.json' | 'variable' | 'none needed';
  };
  readonly clock: {
    /** How far Box's clock is ahead of this machine's, in ms. */
    readonly offsetMs: number;
  };
  /** The JWT that the private key signs: what is in it by name, never what it is. */
  readonly assertion: {
    readonly algorithm: string;
    readonly headers: readonly string[];
    readonly claims: readonly string[];
    readonly lifetimeS: number;
  };
  readonly exchange: {
    readonly grant: DoctorGrant;
    /** How many token requests it took. */
    readonly requests: number;
    /** How long the token lives, in seconds. */
    readonly lifetimeS: number;
    readonly fingerprint: string;
  };
  /** Whose the token is, by `users/me`. */
  readonly account: DoctorUser;
  /** Who the acting user is, by `users/me` with `as-user`. */
  readonly 'as-user': DoctorUser;
}

/** `none`: the credentials are a token themselves. */
export type DoctorGrant = 'jwt-bearer' | 'client_credentials' | 'none';

interface DoctorUser {
  readonly id: string;
  readonly name: string;
  readonly login: string;
}

export type DoctorStepName = keyof DoctorFacts;

/** The steps in their order. */
export const DOCTOR_STEPS = [
  'configuration',
  'fields',
  'key',
  'passphrase',
  'clock',
  'assertion',
  'exchange',
  'account',
  'as-user',
] as const satisfies readonly DoctorStepName[];

/** What is wrong: the parts of a `BoxAuthError`. */
export interface DoctorProblem {
  readonly code: BoxAuthErrorCode;
  readonly message: string;
  readonly hint: string;
  readonly docs: string;
  readonly retryable: boolean;
  readonly status?: number | undefined;
  readonly requestId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
}

export interface DoctorFinding<Name extends DoctorStepName> {
  readonly step: Name;
  /** `skipped`: not asked for, or not needed. `not-reached`: a step before it failed. */
  readonly status: 'ok' | 'warning' | 'failed' | 'skipped' | 'not-reached';
  /** For people; its words may change from version to version. */
  readonly summary: string;
  readonly facts: Partial<DoctorFacts[Name]>;
  /** Of a step that failed. */
  readonly problem?: DoctorProblem | undefined;
}

export type DoctorStep = { [Name in DoctorStepName]: DoctorFinding<Name> }[DoctorStepName];

/** What `doctor --json` prints. */
export interface DoctorReport {
  /** Counts up when a field changes its meaning or goes. */
  readonly formatVersion: 1;
  readonly verdict: 'ok' | 'failed';
  readonly offline: boolean;
  /** All of them, in their order. */
  readonly steps: readonly DoctorStep[];
}

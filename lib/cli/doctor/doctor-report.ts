import type { BoxAuthErrorCode } from '../../core/errors/error-codes.js';

/** The facts of each step. Unknown facts are missing. */
export interface DoctorFacts {
  /** The source of the credentials, and the URL of Box. */
  readonly configuration: {
    readonly source: 'argument' | 'BOX_CONFIG_FILE' | 'BOX_CONFIG' | 'variables';
    /** The absolute path of `config.json`. */
    readonly file: string;
    /** Whether other users of this machine can read that file. */
    readonly readableByOthers: boolean;
    /** The names of the variables with the credentials. */
    readonly variables: readonly string[];
    readonly apiUrl: string;
  };
  /** The fields of the credentials. */
  readonly fields: {
    readonly grant: DoctorGrant;
    /** The first characters of the client id and its length. */
    readonly clientId: string;
    readonly publicKeyId: string;
    readonly subjectType: 'enterprise' | 'user';
    readonly subjectId: string;
    /** The fields that still have a placeholder of `keygen`. */
    readonly notFilledIn: readonly string[];
  };
  readonly key: {
    readonly format: 'PKCS#8' | 'PKCS#1' | 'SEC 1';
    readonly encrypted: boolean;
    /** The OpenSSL name, or the object identifier of an unknown cipher. */
    readonly cipher: string;
    readonly kdf: string;
    readonly iterations: number;
    readonly type: string;
    readonly bits: number;
    /** The SHA-256 of the public key (DER, SubjectPublicKeyInfo) in base64url. */
    readonly thumbprint: string;
  };
  readonly passphrase: {
    readonly source: 'config.json' | 'variable' | 'none needed';
  };
  readonly clock: {
    /** How far Box's clock is ahead of this machine's, in ms. */
    readonly offsetMs: number;
  };
  /** The signed JWT: only the names of its headers and claims, never their values. */
  readonly assertion: {
    readonly algorithm: string;
    readonly headers: readonly string[];
    readonly claims: readonly string[];
    readonly lifetimeS: number;
  };
  readonly exchange: {
    readonly grant: DoctorGrant;
    /** The number of token requests. */
    readonly requests: number;
    /** The lifetime of the token, in seconds. */
    readonly lifetimeS: number;
    readonly fingerprint: string;
  };
  /** The user that the token acts as, from `users/me`. */
  readonly account: DoctorUser;
  /** The acting user, from `users/me` with `as-user`. */
  readonly 'as-user': DoctorUser;
  /** The variables of the app that people connect their own accounts to. */
  readonly oauth: {
    /** The names of the variables that are set. */
    readonly variables: readonly string[];
    /** The first characters of the client id and its length. */
    readonly clientId: string;
    readonly redirectUri: string;
    readonly warnings: readonly string[];
  };
  readonly 'oauth-client': {
    /** Whether Box accepts the client id and the client secret. */
    readonly accepted: true;
  };
}

/** `none`: the credentials are a fixed token. */
export type DoctorGrant = 'jwt-bearer' | 'client_credentials' | 'none';

interface DoctorUser {
  readonly id: string;
  readonly name: string;
  readonly login: string;
}

export type DoctorStepName = keyof DoctorFacts;

/** The steps for the credentials of the app, in order. */
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

/** The steps after them, if the environment has an OAuth app. */
export const OAUTH_STEPS = ['oauth', 'oauth-client'] as const satisfies readonly DoctorStepName[];

/** A problem, with the fields of a `BoxAuthError`. */
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
  /** `skipped`: not requested or not needed. `not-reached`: an earlier step failed. */
  readonly status: 'ok' | 'warning' | 'failed' | 'skipped' | 'not-reached';
  /** For people; the text may change between versions. */
  readonly summary: string;
  readonly facts: Partial<DoctorFacts[Name]>;
  /** Only in a failed step. */
  readonly problem?: DoctorProblem | undefined;
}

export type DoctorStep = { [Name in DoctorStepName]: DoctorFinding<Name> }[DoctorStepName];

/** The output of `doctor --json`. */
export interface DoctorReport {
  /** Increases when a field is removed or changes its meaning. */
  readonly formatVersion: 1;
  readonly verdict: 'ok' | 'failed';
  readonly offline: boolean;
  /** All steps, in order. Those of OAuth are missing if the environment has no OAuth app. */
  readonly steps: readonly DoctorStep[];
}

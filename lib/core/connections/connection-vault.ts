/**
 * Identifies a connection: one app, one person of the app, and one of the person's accounts. Two keys are equal only if all
 * characters are equal: case, accents and trailing spaces count. The text has neither U+0000 nor a lone surrogate, as databases
 * cannot store them.
 */
export interface ConnectionKey {
  /** Identifies the OAuth app: 1 to 255 characters of ASCII. */
  readonly app: string;
  /** The app's own id of a person: 1 to 255 characters. */
  readonly owner: string;
  /** Distinguishes several accounts of one owner. At most 255 characters, often empty. */
  readonly label: string;
}

/** `reauthorization_required`: the issuer refused the refresh token, so only the person can connect again. */
export type ConnectionStatus = 'active' | 'reauthorization_required';

/** A connection in a vault. Only `sealed` contains secrets: it is encrypted, and bound to the key and the version. */
export interface ConnectionRow extends ConnectionKey {
  /** A whole number. Rises with every change. A removed connection that is added again starts with another one. */
  readonly version: number;
  readonly status: ConnectionStatus;
  /** When the tokens were last granted: whole milliseconds since the epoch. */
  readonly refreshedAt: number;
  /** The key that `sealed` is encrypted with: at most 64 characters of ASCII. */
  readonly keyId: string;
  /** The tokens and the person. At most 16 KiB of ASCII text. */
  readonly sealed: string;
}

/** The right to refresh a connection. It only saves requests: no connection is lost without it. */
export interface LeaseRequest {
  /** Identifies the claimant. A claimant that has the lease gets it for another `leaseMs`. */
  readonly holder: string;
  /** The lease is granted only if the connection has this version. */
  readonly version: number;
  /** Milliseconds, by the vault's own clock. */
  readonly leaseMs: number;
}

/** A part of the connections of an app. */
export interface ListRequest {
  readonly app: string;
  /** Only connections after this one. Default: from the first one on. */
  readonly after?: Pick<ConnectionKey, 'owner' | 'label'> | undefined;
  readonly limit: number;
}

/** Connections that were not refreshed for long. */
export interface IdleRequest {
  readonly app: string;
  /** Only active connections with an earlier `refreshedAt`. */
  readonly refreshedBefore: number;
  readonly limit: number;
}

/** Connections that another key than `keyId` encrypts. */
export interface OtherKeysRequest {
  readonly app: string;
  readonly keyId: string;
  readonly limit: number;
}

/** A sign-in that has begun. */
export interface StateRow {
  readonly app: string;
  /** The hash of the `state` parameter (RFC 6749 section 4.1.1): 43 characters. */
  readonly hash: string;
  /** Whole milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Encrypted, and bound to the other fields. At most 16 KiB of ASCII text. */
  readonly sealed: string;
}

/**
 * Where connections are stored. All processes of an app share it. Each method is atomic, and a method that resolves has
 * stored its change durably. Every method may reject: callers then keep their tokens, and try again.
 *
 * `nestjs-box-auth/testing` has a conformance suite.
 */
export interface ConnectionVault {
  /** Undefined if there is no connection with this key. */
  load(key: ConnectionKey): Promise<ConnectionRow | undefined>;
  /** Adds a connection. Resolves with false if there is one already. */
  insert(row: ConnectionRow): Promise<boolean>;
  /** Replaces a connection if it has `expectedVersion`. Resolves with false otherwise. Ends its lease. */
  replace(row: ConnectionRow, expectedVersion: number): Promise<boolean>;
  /** Takes the lease unless another holder has it. Resolves with false otherwise. */
  lease(key: ConnectionKey, request: LeaseRequest): Promise<boolean>;
  /** Ends the lease of `holder`. Does nothing if another one has it. */
  release(key: ConnectionKey, holder: string): Promise<void>;
  /** Deletes a connection, whichever version it has. */
  remove(key: ConnectionKey): Promise<void>;
  /** Connections in the order of owner and label by code points, like that of their UTF-8 bytes. At most `limit`. */
  list(request: ListRequest): Promise<readonly ConnectionRow[]>;
  /** Idle connections, the longest idle first, at most `limit`. */
  listIdle(request: IdleRequest): Promise<readonly ConnectionRow[]>;
  /** Connections that another key encrypts, at most `limit`, in any order. `total` counts them all. */
  listOtherKeys(
    request: OtherKeysRequest,
  ): Promise<{ readonly rows: readonly ConnectionRow[]; readonly total: number }>;
  /** Adds a sign-in. Deletes each sign-in that expired more than an hour ago, by the vault's own clock. */
  putState(state: StateRow): Promise<void>;
  /** Marks a sign-in as used. `isFirstUse` is true for one caller only. Undefined if there is no such sign-in. */
  useState(
    app: string,
    hash: string,
  ): Promise<{ readonly state: StateRow; readonly isFirstUse: boolean } | undefined>;
}

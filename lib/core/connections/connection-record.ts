import * as v from 'valibot';
import { isTokenValue } from '../credentials/field-checks.js';
import { AccessToken, type MintedToken } from '../token-endpoint/access-token.js';
import type { GrantedPair } from '../token-endpoint/grant.js';
import type { Instant } from '../runtime/age-clock.js';
import type { Runtime } from '../runtime/runtime.js';

/** The person who connected an account, as the issuer knows them. */
export interface ConnectedPerson {
  /** The issuer's id of the person. */
  readonly id: string;
  readonly login: string;
  readonly name: string;
  /** The id of the person's enterprise, if there is one. */
  readonly enterprise?: string | undefined;
}

const finite = v.pipe(v.number(), v.finite());

const recordSchema = v.object({
  accessToken: v.custom<string>(isTokenValue),
  refreshToken: v.pipe(v.string(), v.nonEmpty()),
  /** Milliseconds since the epoch, by the clock of the process that got the tokens. */
  obtainedAt: finite,
  /** By the issuer's clock; undefined if the lifetime is unknown. */
  expiresAt: v.optional(finite),
  lifetimeMs: v.optional(finite),
  connectedAt: finite,
  person: v.object({
    id: v.string(),
    login: v.string(),
    name: v.string(),
    enterprise: v.optional(v.string()),
  }),
});

/** The secret part of a connection. */
export type ConnectionRecord = Readonly<v.InferOutput<typeof recordSchema>>;

/** Reads a record; undefined if the text does not contain one. */
export function parseRecord(text: string): ConnectionRecord | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const read = v.safeParse(recordSchema, json);
  return read.success ? read.output : undefined;
}

/** The record of a connection with a new pair of tokens. */
export function withPair(
  { connectedAt, person }: Pick<ConnectionRecord, 'connectedAt' | 'person'>,
  { accessToken, refreshToken, lifetimeMs, expiresAt, requestedAt }: GrantedPair,
): ConnectionRecord {
  const obtainedAt = requestedAt.wall;
  return { accessToken, refreshToken, obtainedAt, expiresAt, lifetimeMs, connectedAt, person };
}

/** The access token of a record. */
export function accessTokenOf({ accessToken, expiresAt, person }: ConnectionRecord): AccessToken {
  return new AccessToken(accessToken, { subject: { type: 'user', id: person.id }, expiresAt });
}

/** The access token of a record, requested by this process at `requestedAt`. */
export function grantedToken(record: ConnectionRecord, requestedAt: Instant): MintedToken {
  const { lifetimeMs } = record;
  return { token: accessTokenOf(record), lifetimeMs, requestedAt, isShared: false };
}

/**
 * The access token of a record that another process wrote. Its age counts from `obtainedAt`. If the clock of this machine is
 * behind, the token counts as new: the issuer refuses it once it has expired, and it is replaced.
 */
export function storedToken(record: ConnectionRecord, runtime: Runtime): MintedToken {
  const now = runtime.now();
  const ageMs = Math.max(now - record.obtainedAt, 0);
  const requestedAt = { wall: now - ageMs, monotonic: runtime.monotonic() - ageMs };
  return { ...grantedToken(record, requestedAt), isShared: true };
}

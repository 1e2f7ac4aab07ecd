import assert from 'node:assert/strict';
import type {
  ConnectionKey,
  ConnectionRow,
  ConnectionVault,
  StateRow,
} from '../../core/connections/connection-vault.js';

/** Gives the conformance cases control over a vault. */
export interface ConnectionVaultHarness {
  /** Creates another handle on the same shared vault, like another process. */
  create(): Promise<ConnectionVault>;
  /** Advances the clock of the vault, by which leases end and sign-ins are deleted. */
  advance(ms: number): Promise<void>;
  /** The clock of the vault, in milliseconds since the epoch. Default: `Date.now`. */
  now?(): number;
}

/** The harness, a handle and an app for one case. */
export interface VaultContext extends Required<ConnectionVaultHarness> {
  readonly vault: ConnectionVault;
  /** An app that no other case uses. */
  readonly app: string;
}

export type VaultCases = Readonly<Record<string, (context: VaultContext) => Promise<void>>>;

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/** Every printable character of ASCII, so that escaping would change it. */
export const ASCII = String.fromCodePoint(...Array.from({ length: 95 }, (_, index) => 32 + index));

/** The longest text: 4 bytes a character, and little for a database to compress. */
export function longestText(seed: number): string {
  const codePoints = Array.from(
    { length: 255 },
    (_, index) => 0x1_00_00 + ((index * 7_919 + seed) % 0x9_00_00),
  );
  return String.fromCodePoint(...codePoints);
}

export function sizedText(length: number): string {
  return ASCII.repeat(Math.ceil(length / ASCII.length)).slice(0, length);
}

export function rowOf(app: string, changes: Partial<ConnectionRow> = {}): ConnectionRow {
  return {
    app,
    owner: 'ann',
    label: '',
    version: 1,
    status: 'active',
    refreshedAt: 1_767_225_600_123,
    keyId: 'key-1',
    sealed: 'sealed-1',
    ...changes,
  };
}

/** Adds a connection, which must not exist yet. */
export async function insertRow(
  { vault, app }: Pick<VaultContext, 'vault' | 'app'>,
  changes: Partial<ConnectionRow> = {},
): Promise<ConnectionRow> {
  const row = rowOf(app, changes);
  assert.equal(await vault.insert(row), true, 'Expected insert() to add a connection');
  return row;
}

export async function expectRow(
  vault: ConnectionVault,
  key: ConnectionKey,
  expected: ConnectionRow | undefined,
): Promise<void> {
  const row = await vault.load(key);
  assert.deepEqual(row && { ...row }, expected);
}

export function leaseFor(
  vault: ConnectionVault,
  row: ConnectionRow,
  holder: string,
  leaseMs = MINUTE,
) {
  return vault.lease(row, { holder, version: row.version, leaseMs });
}

/** Adds a sign-in that expires in 10 minutes. */
export async function putState(
  { vault, app, now }: Pick<VaultContext, 'vault' | 'app' | 'now'>,
  changes: Partial<StateRow> = {},
): Promise<StateRow> {
  const expiresAt = now() + 10 * MINUTE;
  const state = { app, hash: hashOf('state'), expiresAt, sealed: 'sealed-state', ...changes };
  await vault.putState(state);
  return state;
}

/** 43 characters of base64url, as of a SHA-256. */
export function hashOf(name: string): string {
  return name.padEnd(43, '-_Aa09');
}

/** Calls `work` fifty times at once, by five handles in turn. */
export async function fiftyTimes<T>(
  context: VaultContext,
  work: (vault: ConnectionVault, index: number) => Promise<T>,
): Promise<readonly T[]> {
  const handles = await Promise.all(Array.from({ length: 5 }, () => context.create()));
  return await Promise.all(
    Array.from({ length: 50 }, (_, index) => work(handles[index % 5] ?? context.vault, index)),
  );
}

/** The index of the only call that resolved with true. */
export function onlyWinner(outcomes: readonly boolean[]): number {
  const winners = [...outcomes.keys()].filter((index) => outcomes[index]);
  const [winner = -1] = winners;
  assert.equal(winners.length, 1, `Expected one call to succeed, not ${winners.length}`);
  return winner;
}

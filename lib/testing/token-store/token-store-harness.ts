import assert from 'node:assert/strict';
import type { Claim, StoredToken, TokenStore } from '../../core/tokens/token-store.js';

/** Gives the conformance cases control over a store. */
export interface TokenStoreHarness {
  /** Creates another handle on the same shared state, like another process. */
  create(): Promise<TokenStore>;
  /** Advances the store's clock. */
  advance(ms: number): Promise<void>;
  /** Deletes everything in the store, like a restart. Optional: without it, the case that resets the store is left out. */
  reset?(): Promise<void>;
}

/** The harness, a store and an identity for one case. */
export interface CaseContext extends TokenStoreHarness {
  readonly store: TokenStore;
  /** An identity that no other case uses. */
  readonly id: string;
}

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

function request(owner: string, newerThan: number) {
  return { owner, leaseMs: MINUTE, newerThan };
}

export function claim(store: TokenStore, id: string, owner: string, newerThan = 0): Promise<Claim> {
  return store.claim(id, request(owner, newerThan));
}

/** Claims a lease and returns its fence. */
export async function lease(
  store: TokenStore,
  id: string,
  owner: string,
  newerThan = 0,
): Promise<number> {
  const result = await claim(store, id, owner, newerThan);
  if (result.state !== 'claimed')
    assert.fail(`Expected a lease for ${owner}, received ${result.state}`);
  return result.fence;
}

/** Claims and expects a token. */
export async function readToken(store: TokenStore, id: string, newerThan = 0) {
  const result = await claim(store, id, 'reader', newerThan);
  if (result.state !== 'token') assert.fail(`Expected a token, received ${result.state}`);
  return result;
}

export async function publish(
  store: TokenStore,
  id: string,
  stored: StoredToken,
  newerThan = 0,
  ageMs = 0,
): Promise<number> {
  const fence = await lease(store, id, 'publisher', newerThan);
  await store.publish(id, fence, stored, ageMs);
  return fence;
}

export function token(value: string): StoredToken {
  return { value, lifetimeMs: HOUR, expiresAt: 1_767_225_600_000 };
}

/** Expects `passedMs`, plus at most the real time since `requestedAt`, with a tolerance for rounding to milliseconds. */
export function expectAge(ageMs: number, passedMs: number, requestedAt: number): void {
  const minMs = passedMs - 1;
  const maxMs = passedMs + (performance.now() - requestedAt) + 5;
  assert.ok(
    ageMs >= minMs && ageMs <= maxMs,
    `Expected an age from ${minMs} to ${maxMs} ms, received ${ageMs}`,
  );
}

export function expectPaused(result: Claim, maxMs: number, reason: string): void {
  if (result.state !== 'paused') assert.fail(`Expected a pause, received ${result.state}`);
  assert.equal(result.reason, reason);
  assert.ok(
    result.forMs > 0 && result.forMs <= maxMs,
    `Expected a pause of at most ${maxMs} ms, received ${result.forMs}`,
  );
}

import assert from 'node:assert/strict';
import type { Claim, StoredToken, TokenStore } from '../../core/tokens/token-store.js';

/** How a store is put to the test. */
export interface TokenStoreHarness {
  /** Another handle on the same shared state, as another process would have it. */
  create(): Promise<TokenStore>;
  /** Lets the time that the store goes by pass. */
  advance(ms: number): Promise<void>;
  /** Has the store lose everything, as a restart would. Without it that is not tested. */
  reset?(): Promise<void>;
}

/** What a case is played on. */
export interface CaseContext extends TokenStoreHarness {
  readonly store: TokenStore;
  /** One that no other case knows. */
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

/** The fence of a claim that is granted. */
export async function lease(
  store: TokenStore,
  id: string,
  owner: string,
  newerThan = 0,
): Promise<number> {
  const answer = await claim(store, id, owner, newerThan);
  if (answer.state !== 'claimed')
    assert.fail(`${owner} should mint, but was told: ${answer.state}`);
  return answer.fence;
}

export async function taken(store: TokenStore, id: string, newerThan = 0) {
  const answer = await claim(store, id, 'taker', newerThan);
  if (answer.state !== 'token') assert.fail(`expected a token, but was told: ${answer.state}`);
  return answer;
}

export async function publish(
  store: TokenStore,
  id: string,
  written: StoredToken,
  newerThan = 0,
  ageMs = 0,
): Promise<number> {
  const fence = await lease(store, id, 'publisher', newerThan);
  await store.publish(id, fence, written, ageMs);
  return fence;
}

export function token(value: string): StoredToken {
  return { value, lifetimeMs: HOUR, expiresAt: 1_767_225_600_000 };
}

/** What was let pass, and at most what has really passed besides; give or take what a clock of milliseconds rounds. */
export function expectAge(ageMs: number, passedMs: number, requestedAt: number): void {
  const leastMs = passedMs - 1;
  const mostMs = passedMs + (performance.now() - requestedAt) + 5;
  assert.ok(ageMs >= leastMs && ageMs <= mostMs, `age ${ageMs}, not ${leastMs} to ${mostMs}`);
}

export function expectPaused(answer: Claim, longestMs: number, reason: string): void {
  if (answer.state !== 'paused') assert.fail(`expected a pause, but was told: ${answer.state}`);
  assert.equal(answer.reason, reason);
  assert.ok(answer.forMs > 0 && answer.forMs <= longestMs, `${answer.forMs} of ${longestMs} ms`);
}

/** A token in a store. */
export interface StoredToken {
  readonly value: string;
  /** Milliseconds from the grant on; undefined if the issuer did not state it. */
  readonly lifetimeMs: number | undefined;
  /** Milliseconds since the epoch by the issuer's clock; undefined if the lifetime is unknown. */
  readonly expiresAt: number | undefined;
  readonly scopes?: readonly string[] | undefined;
}

/** The result of `TokenStore.claim`. */
export type Claim =
  /** Another process has published a token: `ageMs` old, by the store's own clock. */
  | {
      readonly state: 'token';
      readonly token: StoredToken;
      readonly fence: number;
      readonly ageMs: number;
    }
  /** The store has no token: the claimant requests one, and publishes it with this fence. */
  | { readonly state: 'claimed'; readonly fence: number }
  /** Another process is requesting the token. */
  | { readonly state: 'leased' }
  /** The token request of another process failed: no process requests a token for `forMs` milliseconds. */
  | { readonly state: 'paused'; readonly forMs: number; readonly reason: string };

/** A claim on a token, or on the right to request it. */
export interface ClaimRequest {
  /** Identifies the claimant. A claimant that already has the lease gets it for another `leaseMs`. */
  readonly owner: string;
  readonly leaseMs: number;
  /** Only a token with a higher fence will do: others were refused, or the claimant has them already. 0 for any token. */
  readonly newerThan: number;
}

/**
 * Shares the tokens of a fleet. Identities are opaque strings, one for each app and subject.
 *
 * A fence is a number that rises with each claim of an identity, even if the store lost its data in between. Thus a slow
 * claimant never replaces a newer token. A lease only saves requests: correctness does not depend on it, as an issuer
 * allows several valid tokens.
 *
 * Every method may reject. The caller then continues without the store, as it does after an invalid claim.
 * `nestjs-box-auth/testing` has a conformance suite.
 */
export interface TokenStore {
  /** Returns the token, or grants the right to request it, or states why the claimant has to wait. */
  claim(identity: string, request: ClaimRequest): Promise<Claim>;
  /** Stores `token`, which is `ageMs` old. Ends the lease, the pause and every claim with a lower fence. */
  publish(identity: string, fence: number, token: StoredToken, ageMs: number): Promise<void>;
  /** Deletes the token, unless it has a higher fence. */
  invalidate(identity: string, fence: number): Promise<void>;
  /** Ends the lease of `owner` without a token, and begins a pause of `pauseMs` milliseconds for all processes (0: no pause). */
  fail(identity: string, owner: string, pauseMs: number, reason: string): Promise<void>;
}

/** A token as a store keeps it. */
export interface StoredToken {
  readonly value: string;
  /** Milliseconds from the grant on; undefined if the issuer said nothing. */
  readonly lifetimeMs: number | undefined;
  /** Milliseconds since the epoch by the issuer's clock; undefined if the lifetime is unknown. */
  readonly expiresAt: number | undefined;
  readonly scopes?: readonly string[] | undefined;
}

/** What a store answers to one who wants a token. */
export type Claim =
  /** Somebody has minted one: `ageMs` ago, by the store's own clock. */
  | {
      readonly state: 'token';
      readonly token: StoredToken;
      readonly fence: number;
      readonly ageMs: number;
    }
  /** Nobody has: the claimant shall mint it, and publish it with this fence. */
  | { readonly state: 'claimed'; readonly fence: number }
  /** Somebody else is minting it. */
  | { readonly state: 'leased' }
  /** Somebody failed: nobody shall ask for another `forMs` milliseconds. */
  | { readonly state: 'paused'; readonly forMs: number; readonly reason: string };

/** Who claims, and what for. */
export interface ClaimRequest {
  /** Tells claimants apart. Who has the lease already gets it for another `leaseMs`. */
  readonly owner: string;
  readonly leaseMs: number;
  /** A token whose fence is not above this one will not do: it was refused, or is what the claimant has. 0 for any. */
  readonly newerThan: number;
}

/**
 * Where a fleet shares its tokens. Identities are opaque strings, one for each app and subject.
 *
 * A fence is a number that rises with each claim of an identity, also when the store has lost everything in between: so
 * that a claimant who was slow does not replace what came after. A lease saves work; it is not what correctness rests on,
 * as an issuer lets several tokens live.
 *
 * Every method may reject: the caller continues without the store, as it does when a claim is not valid. `nestjs-box-auth/testing` has a conformance suite.
 */
export interface TokenStore {
  /** The token, or the task of minting it, or why to wait. */
  claim(identity: string, request: ClaimRequest): Promise<Claim>;
  /** Keeps `token`, which is `ageMs` old, and ends the lease, the pause and every claim with a lower fence. */
  publish(identity: string, fence: number, token: StoredToken, ageMs: number): Promise<void>;
  /** Forgets the token, unless there is one with a higher fence. */
  invalidate(identity: string, fence: number): Promise<void>;
  /** Ends the lease of `owner` without a token, and has everybody wait for `pauseMs` milliseconds (0 for nobody). */
  fail(identity: string, owner: string, pauseMs: number, reason: string): Promise<void>;
}

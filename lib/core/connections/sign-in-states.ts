import { randomBytes, timingSafeEqual } from 'node:crypto';
import * as v from 'valibot';
import type { Runtime } from '../runtime/runtime.js';
import { vaultUnreadable } from './connection-errors.js';
import type { StateRow } from './connection-vault.js';
import type { GuardedVault } from './guarded-vault.js';
import { hashOf } from './owner.js';
import type { RowSeal } from './row-seal.js';
import { stateExpired, stateInvalid, stateUsed } from './sign-in-errors.js';

const STATE_BYTES = 32;
const VERIFIER_BYTES = 32;
const LIFETIME_MS = 600_000;

const signInSchema = v.object({
  owner: v.string(),
  label: v.string(),
  /** The hash of the value that only the browser has. */
  binding: v.string(),
  returnTo: v.optional(v.string()),
  /** The code verifier (RFC 7636). */
  verifier: v.string(),
});

/** A sign-in that has begun. */
export type SignIn = Readonly<v.InferOutput<typeof signInSchema>>;

/** The browser and the person that a callback is from. */
export interface SignInClaim {
  readonly owner: string;
  readonly binding: string;
}

/**
 * The sign-ins that have begun, each under the hash of its `state` parameter (RFC 6749 section 10.12). A state works once, for
 * ten minutes, for the browser and the person that began.
 */
export class SignInStates {
  constructor(
    private readonly app: string,
    private readonly vault: GuardedVault,
    private readonly seal: RowSeal,
    private readonly runtime: Runtime,
  ) {}

  /**
   * Stores a sign-in. Returns its state and its code challenge.
   *
   * @throws BoxAuthError `vault_unavailable`
   */
  async begin(
    signIn: Omit<SignIn, 'verifier'>,
  ): Promise<{ readonly state: string; readonly challenge: string }> {
    const state = randomBytes(STATE_BYTES).toString('base64url');
    const verifier = randomBytes(VERIFIER_BYTES).toString('base64url');
    const hash = hashOf(state);
    const expiresAt = Math.floor(this.runtime.now()) + LIFETIME_MS;
    const sealed = await this.seal.seal(
      JSON.stringify({ ...signIn, verifier }),
      boundTo(this.app, hash, expiresAt),
    );
    const row: StateRow = { app: this.app, hash, expiresAt, sealed };
    await this.vault.send((vault) => vault.putState(row));
    return { state, challenge: hashOf(verifier) };
  }

  /**
   * Uses a state up. Returns the sign-in that it belongs to.
   *
   * @throws BoxAuthError `state_invalid`, `state_expired`, `state_used`, `vault_unavailable`, `vault_unreadable`
   */
  async use(state: unknown, claim: SignInClaim): Promise<SignIn> {
    if (typeof state !== 'string' || !/^[\w-]{43}$/.test(state)) {
      throw stateInvalid('the callback has no state of this app');
    }
    const hash = hashOf(state);
    const used = await this.vault.send((vault) => vault.useState(this.app, hash));
    if (used === undefined) throw stateInvalid('the state of the callback is unknown');
    const { expiresAt, sealed } = used.state;
    const text = await this.seal.open(sealed, boundTo(this.app, hash, expiresAt));
    const signIn = text === undefined ? undefined : parseSignIn(text);
    if (signIn === undefined) throw vaultUnreadable('sign-in');
    // Both are hashes of the same length. Their comparison takes constant time.
    const isSameBrowser = timingSafeEqual(Buffer.from(signIn.binding), Buffer.from(claim.binding));
    if (!isSameBrowser || signIn.owner !== claim.owner) {
      throw stateInvalid(
        `${isSameBrowser ? 'another person' : 'another browser'} has begun the sign-in`,
      );
    }
    if (!used.isFirstUse) throw stateUsed();
    if (this.runtime.now() >= expiresAt) throw stateExpired();
    return signIn;
  }
}

function parseSignIn(text: string): SignIn | undefined {
  try {
    return v.parse(signInSchema, JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The data that a sealed sign-in is bound to. */
function boundTo(app: string, hash: string, expiresAt: number): readonly string[] {
  return ['sign-in', app, hash, String(expiresAt)];
}

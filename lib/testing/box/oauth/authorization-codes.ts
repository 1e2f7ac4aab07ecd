import { createHash, randomBytes } from 'node:crypto';
import type { EmulatorClock } from '../../http/emulator-clock.js';

/** The consent that a code stands for. */
export interface Consent {
  readonly userId: string;
  readonly redirectUri: string;
  readonly scopes: readonly string[] | undefined;
  readonly codeChallenge: string | undefined;
}

const LIFETIME_MS = 30_000;

/** The authorization codes: each is valid for 30 s, and for one request. */
export class AuthorizationCodes {
  readonly #clock: EmulatorClock;
  readonly #consents = new Map<string, Consent & { readonly expiresAtMs: number }>();

  constructor(clock: EmulatorClock) {
    this.#clock = clock;
  }

  issue(consent: Consent): string {
    const code = randomBytes(16).toString('hex');
    this.#consents.set(code, { ...consent, expiresAtMs: this.#clock.nowMs() + LIFETIME_MS });
    return code;
  }

  /** The user of an unused code, so that a log can name them. */
  userOf(code: string): string | undefined {
    return this.#consents.get(code)?.userId;
  }

  /** The code counts as used from then on, whatever the response is. */
  redeem(code: string): Consent | 'unknown' | 'expired' {
    const consent = this.#consents.get(code);
    if (!consent) return 'unknown';
    this.#consents.delete(code);
    return consent.expiresAtMs > this.#clock.nowMs() ? consent : 'expired';
  }
}

/**
 * Whether a verifier matches the challenge (RFC 7636 section 4.6). A verifier without a challenge does not match, so that an
 * attacker cannot remove the challenge (RFC 9700 section 2.1.1).
 */
export function isVerified(challenge: string | undefined, verifier: string | undefined): boolean {
  if (challenge === undefined || verifier === undefined) return challenge === verifier;
  return (
    /^[\w.~-]{43,128}$/.test(verifier) &&
    createHash('sha256').update(verifier).digest('base64url') === challenge
  );
}

import { BoxAuthError } from '../errors/box-auth.error.js';
import type { BoxAuthErrorCode } from '../errors/error-codes.js';
import type { EmitEvent, TokenEvent } from '../events/auth-events.js';
import type { Runtime } from '../runtime/runtime.js';
import type { MintedToken } from '../token-endpoint/access-token.js';

/** A mistake of the caller. It is not emitted: only the caller gets this error. */
const CALLER_ERROR: BoxAuthErrorCode = 'subject_unsupported';

/** A token request that starts now. */
interface StartedMint {
  readonly kind: TokenEvent['kind'];
  readonly isOwn: boolean;
  readonly enterprise: string | undefined;
  readonly subjectType: () => TokenEvent['subjectType'];
  /** How long the cached token can be used when the request is done. */
  readonly usableForMs: () => number;
}

/** Emits the event of a token request once its result is known. */
export interface MintReporter {
  succeeded(minted: MintedToken): void;
  failed(error: unknown): void;
}

/** Starts to measure a token request. */
export function mintReporter(
  { kind, isOwn, enterprise, subjectType, usableForMs }: StartedMint,
  runtime: Runtime,
  emit: EmitEvent,
): MintReporter {
  const startedAt = runtime.now();
  const startedAtMonotonic = runtime.monotonic();
  const details = (): Omit<TokenEvent, 'outcome'> => ({
    kind,
    subjectType: subjectType(),
    isOwn,
    enterprise,
    startedAt,
    durationMs: runtime.monotonic() - startedAtMonotonic,
    usableForMs: Math.max(usableForMs(), 0),
  });
  return {
    succeeded: ({ token: { fingerprint, expiresAt }, isShared }) =>
      emit({
        ...details(),
        outcome: isShared ? 'shared' : 'minted',
        fingerprint,
        ...(expiresAt === undefined ? {} : { expiresAt }),
      }),
    failed: (error) => {
      if (error instanceof BoxAuthError && error.code !== CALLER_ERROR) {
        emit({ ...details(), outcome: 'failed', error });
      }
    },
  };
}

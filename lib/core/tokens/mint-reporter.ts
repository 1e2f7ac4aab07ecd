import type { Subject } from '../credentials/subject.js';
import { BoxAuthError } from '../errors/box-auth.error.js';
import type { BoxAuthErrorCode } from '../errors/error-codes.js';
import type { EmitEvent, TokenEvent } from '../events/auth-events.js';
import type { Runtime } from '../runtime/runtime.js';
import type { MintedToken } from '../token-endpoint/token-attempts.js';

/** A mistake of the caller, which is reported to the caller only. */
const MISTAKE_OF_CALLER: BoxAuthErrorCode = 'subject_unsupported';

interface Audience {
  readonly defaultSubject: () => Subject | undefined;
  readonly emit: EmitEvent;
  readonly runtime: Runtime;
}

interface BegunMint {
  readonly kind: TokenEvent['kind'];
  /** Undefined for the one that the credentials stand for. */
  readonly subject: Subject | undefined;
  /** Of the token that is there when it is over. */
  readonly usableForMs: () => number;
}

/** Tells how the mint that begins now ends. */
export function mintReporter(
  { defaultSubject, emit, runtime }: Audience,
  { kind, subject, usableForMs }: BegunMint,
): { succeeded: (mint: MintedToken) => void; failed: (error: unknown) => void } {
  const startedAt = runtime.now();
  const begunAt = runtime.monotonic();
  const told = (): Omit<TokenEvent, 'outcome'> => ({
    kind,
    subjectType: (subject ?? defaultSubject())?.type,
    isOwn: subject === undefined,
    startedAt,
    durationMs: runtime.monotonic() - begunAt,
    usableForMs: Math.max(usableForMs(), 0),
  });
  return {
    succeeded: ({ token: { fingerprint, expiresAt }, isShared }) =>
      emit({
        ...told(),
        outcome: isShared ? 'shared' : 'minted',
        fingerprint,
        ...(expiresAt === undefined ? {} : { expiresAt }),
      }),
    failed: (error) => {
      if (error instanceof BoxAuthError && error.code !== MISTAKE_OF_CALLER) {
        emit({ ...told(), outcome: 'failed', error });
      }
    },
  };
}

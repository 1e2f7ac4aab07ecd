import type { Subject } from '../credentials/subject.js';
import { BoxAuthError } from '../errors/box-auth.error.js';
import type { BoxAuthErrorCode } from '../errors/error-codes.js';
import type { TellEvent, TokenEvent } from '../events/auth-events.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Mint } from '../token-endpoint/token-attempts.js';

/** A mistake of the caller, which is reported to the caller only. */
const MISTAKE_OF_CALLER: BoxAuthErrorCode = 'subject_unsupported';

interface Audience {
  readonly defaultSubject: () => Subject | undefined;
  readonly tell: TellEvent;
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
export function mintTelling(
  { defaultSubject, tell, runtime }: Audience,
  { kind, subject, usableForMs }: BegunMint,
): { came: (mint: Mint) => void; failed: (error: unknown) => void } {
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
    came: ({ token: { fingerprint, expiresAt }, isShared }) =>
      tell({
        ...told(),
        outcome: isShared ? 'shared' : 'minted',
        fingerprint,
        ...(expiresAt === undefined ? {} : { expiresAt }),
      }),
    failed: (error) => {
      if (error instanceof BoxAuthError && error.code !== MISTAKE_OF_CALLER) {
        tell({ ...told(), outcome: 'failed', error });
      }
    },
  };
}

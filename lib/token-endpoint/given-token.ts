import { type Subject, subjectKey } from '../credentials/subject.js';
import { BoxAuthError } from '../errors/box-auth.error.js';
import type { Secret } from '../errors/secret.js';
import type { Runtime } from '../runtime/runtime.js';
import { AccessToken } from './access-token.js';
import type { Mint } from './token-attempts.js';

const DOCS = 'https://developer.box.com/guides/authentication/tokens/developer-tokens/';

/**
 * A token that stands in the credentials themselves: of one user, and of no known lifetime.
 *
 * @throws BoxAuthError `developer_token_expired` if it is the one that was refused, `subject_unsupported` if it is wanted for
 * somebody else
 */
export function takeGivenToken(
  given: Secret,
  own: Subject,
  wanted: { readonly subject: Subject | undefined; readonly refused: AccessToken | undefined },
  runtime: Runtime,
): Mint {
  if (given.reveal() === wanted.refused?.value) {
    throw new BoxAuthError({
      code: 'developer_token_expired',
      message: `The developer token ${wanted.refused.fingerprint} is no longer taken.`,
      hint: 'Developer tokens live 60 minutes: make another in the developer console, or use a key pair, which renews itself.',
      docs: DOCS,
    });
  }
  if (wanted.subject !== undefined && subjectKey(wanted.subject) !== subjectKey(own)) {
    throw new BoxAuthError({
      code: 'subject_unsupported',
      message:
        'A token was asked for some subject, but the credentials are a token themselves, of one user.',
      hint: 'Use a key pair or client credentials to get tokens for others.',
      docs: DOCS,
    });
  }
  return {
    token: new AccessToken(given.reveal(), { subject: own }),
    lifetimeMs: undefined,
    askedAt: { wall: runtime.now(), monotonic: runtime.monotonic() },
    isShared: false,
  };
}

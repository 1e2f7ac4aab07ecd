import type { GivenToken } from '../credentials/credentials-source.js';
import { isSameSubject, type Subject } from '../credentials/subject.js';
import { BoxAuthError } from '../errors/box-auth.error.js';
import type { Runtime } from '../runtime/runtime.js';
import { AccessToken } from './access-token.js';
import type { Mint } from './token-attempts.js';

/** What a given token is wanted for. */
interface Wanted {
  readonly subject: Subject | undefined;
  readonly refused: AccessToken | undefined;
  /** Whether a function returned the token, and may return another later. */
  readonly isFromFunction: boolean;
}

/**
 * A token that the credentials themselves contain: of one subject.
 *
 * @throws BoxAuthError `token_invalid` or `developer_token_expired` if it has expired or was refused, `subject_unsupported`
 * if it is wanted for another subject
 */
export function takeGivenToken(
  given: GivenToken,
  own: Subject,
  { subject, refused, isFromFunction }: Wanted,
  runtime: Runtime,
): Mint {
  if (subject !== undefined && !isSameSubject(subject, own)) {
    throw otherSubject(given);
  }
  const { expiresAt } = given;
  const askedAt = { wall: runtime.now(), monotonic: runtime.monotonic() };
  const token = new AccessToken(given.value.reveal(), { subject: own, expiresAt });
  if (token.value === refused?.value) {
    throw noLongerGood(given, token, 'was refused: it has expired or was revoked', isFromFunction);
  }
  if (expiresAt !== undefined && expiresAt <= askedAt.wall) {
    const expired = `expired at ${new Date(expiresAt).toISOString()}`;
    throw noLongerGood(given, token, expired, isFromFunction);
  }
  const lifetimeMs = expiresAt === undefined ? undefined : expiresAt - askedAt.wall;
  return { token, lifetimeMs, askedAt, isShared: false };
}

/** Whether all of `list` are given tokens that have not expired and are not among those to be replaced. */
export function areUnused(
  list: readonly { readonly givenToken?: GivenToken }[],
  replaced: readonly (AccessToken | undefined)[],
  now: number,
): boolean {
  return list.every(
    ({ givenToken }) =>
      givenToken !== undefined &&
      (givenToken.expiresAt === undefined || now < givenToken.expiresAt) &&
      !replaced.some((token) => token?.value === givenToken.value.reveal()),
  );
}

function otherSubject({ name, owner, refusal: { docs } }: GivenToken): BoxAuthError {
  return new BoxAuthError({
    code: 'subject_unsupported',
    message: `A token for another subject was requested, but the credentials are an existing ${name}, which belongs to ${owner}.`,
    hint: 'Use a key pair or client credentials to get tokens for other subjects.',
    docs,
  });
}

function noLongerGood(
  { name, refusal }: GivenToken,
  { fingerprint }: AccessToken,
  what: string,
  retryable: boolean,
): BoxAuthError {
  const message = `The ${name} ${fingerprint} of the credentials ${what}.`;
  return new BoxAuthError({ ...refusal, message, retryable });
}

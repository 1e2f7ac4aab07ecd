import type { StaticToken } from '../credentials/credentials-source.js';
import { isSameSubject, type Subject } from '../credentials/subject.js';
import { BoxAuthError } from '../errors/box-auth.error.js';
import type { Runtime } from '../runtime/runtime.js';
import { AccessToken, type MintedToken } from './access-token.js';

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
export function useStaticToken(
  given: StaticToken,
  own: Subject,
  { subject, refused, isFromFunction }: Wanted,
  runtime: Runtime,
): MintedToken {
  if (subject !== undefined && !isSameSubject(subject, own)) {
    throw otherSubject(given);
  }
  const { expiresAt } = given;
  const requestedAt = { wall: runtime.now(), monotonic: runtime.monotonic() };
  const token = new AccessToken(given.value.reveal(), { subject: own, expiresAt });
  if (token.value === refused?.value) {
    throw noLongerGood(given, token, 'was refused: it has expired or was revoked', isFromFunction);
  }
  if (expiresAt !== undefined && expiresAt <= requestedAt.wall) {
    const expired = `expired at ${new Date(expiresAt).toISOString()}`;
    throw noLongerGood(given, token, expired, isFromFunction);
  }
  const lifetimeMs = expiresAt === undefined ? undefined : expiresAt - requestedAt.wall;
  return { token, lifetimeMs, requestedAt, isShared: false };
}

/** Whether all of `list` are given tokens that have not expired and are not among those to be replaced. */
export function areUnused(
  list: readonly { readonly staticToken?: StaticToken }[],
  replaced: readonly (AccessToken | undefined)[],
  now: number,
): boolean {
  return list.every(
    ({ staticToken }) =>
      staticToken !== undefined &&
      (staticToken.expiresAt === undefined || now < staticToken.expiresAt) &&
      !replaced.some((token) => token?.value === staticToken.value.reveal()),
  );
}

function otherSubject({ name, owner, refusal: { docs } }: StaticToken): BoxAuthError {
  return new BoxAuthError({
    code: 'subject_unsupported',
    message: `A token for another subject was requested, but the credentials are an existing ${name}, which belongs to ${owner}.`,
    hint: 'Use a key pair or client credentials to get tokens for other subjects.',
    docs,
  });
}

function noLongerGood(
  { name, refusal }: StaticToken,
  { fingerprint }: AccessToken,
  what: string,
  retryable: boolean,
): BoxAuthError {
  const message = `The ${name} ${fingerprint} of the credentials ${what}.`;
  return new BoxAuthError({ ...refusal, message, retryable });
}

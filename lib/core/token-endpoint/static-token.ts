import type { StaticToken } from '../credentials/credentials-source.js';
import { isSameSubject, type Subject } from '../credentials/subject.js';
import { BoxAuthError } from '../errors/box-auth.error.js';
import type { Runtime } from '../runtime/runtime.js';
import { AccessToken, type MintedToken } from './access-token.js';

/** The request for a token. */
interface Request {
  readonly subject: Subject | undefined;
  readonly refused: AccessToken | undefined;
  /** Whether a function returned the token and may return another later. */
  readonly isFromFunction: boolean;
}

/**
 * Returns the token that the credentials contain. It belongs to one subject.
 *
 * @throws BoxAuthError `token_invalid` or `developer_token_expired` if it has expired or was refused, `subject_unsupported`
 * if the request is for another subject
 */
export function useStaticToken(
  staticToken: StaticToken,
  owner: Subject,
  { subject, refused, isFromFunction }: Request,
  runtime: Runtime,
): MintedToken {
  if (subject !== undefined && !isSameSubject(subject, owner)) {
    throw otherSubject(staticToken);
  }
  const { expiresAt } = staticToken;
  const requestedAt = { wall: runtime.now(), monotonic: runtime.monotonic() };
  const token = new AccessToken(staticToken.value.reveal(), { subject: owner, expiresAt });
  if (token.value === refused?.value) {
    throw unusable(
      staticToken,
      token,
      'was refused: it has expired or was revoked',
      isFromFunction,
    );
  }
  if (expiresAt !== undefined && expiresAt <= requestedAt.wall) {
    const expired = `expired at ${new Date(expiresAt).toISOString()}`;
    throw unusable(staticToken, token, expired, isFromFunction);
  }
  const lifetimeMs = expiresAt === undefined ? undefined : expiresAt - requestedAt.wall;
  return { token, lifetimeMs, requestedAt, isShared: false };
}

/** Whether `list` contains only tokens that have not expired and are not in `replaced`. */
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

function unusable(
  { name, refusal }: StaticToken,
  { fingerprint }: AccessToken,
  reason: string,
  retryable: boolean,
): BoxAuthError {
  const message = `The ${name} ${fingerprint} of the credentials ${reason}.`;
  return new BoxAuthError({ ...refusal, message, retryable });
}

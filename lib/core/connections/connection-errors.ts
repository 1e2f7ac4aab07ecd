import { BoxAuthError } from '../errors/box-auth.error.js';

const REFRESH = 'https://datatracker.ietf.org/doc/html/rfc6749#section-6';

/** The owner has no connection with that label. */
export function connectionMissing(): BoxAuthError {
  return new BoxAuthError({
    code: 'connection_missing',
    message: 'The person has not connected an account.',
    hint: 'Send the person to authorizationUrl(), or to the route that connects an account.',
    docs: 'https://datatracker.ietf.org/doc/html/rfc6749#section-4.1',
  });
}

/** A call needs the token of a connection, and its code runs for none. */
export function noConnectionSelected(): BoxAuthError {
  return new BoxAuthError({
    code: 'connection_missing',
    message: 'The call was made for no connection.',
    hint: 'Make it inside runAs(owner, …), or in a handler that acts for a connected person.',
    docs: 'https://datatracker.ietf.org/doc/html/rfc6749#section-4.1',
  });
}

/** The issuer refused the refresh token of a connection. */
export function reauthorizationRequired(cause?: unknown): BoxAuthError {
  return new BoxAuthError({
    code: 'reauthorization_required',
    message:
      'The connection has ended: its refresh token has expired, or the person or an admin revoked it.',
    hint: 'Send the person to authorizationUrl() again. Call refreshIdle() every day, so that connections do not expire unused.',
    docs: REFRESH,
    cause,
  });
}

/** A method of the vault rejected or took too long. */
export function vaultUnavailable(cause: unknown): BoxAuthError {
  return new BoxAuthError({
    code: 'vault_unavailable',
    message: 'The vault of connections is unavailable.',
    hint: 'Check whether its database can be reached. Current tokens are used until they expire, and nothing is lost.',
    docs: REFRESH,
    retryable: true,
    cause,
  });
}

/** A row of the vault cannot be decrypted, or does not contain a connection. */
export function vaultUnreadable(what: string): BoxAuthError {
  return new BoxAuthError({
    code: 'vault_unreadable',
    message: `The vault contains a ${what} that cannot be decrypted.`,
    hint: 'Check that `secret` contains the secret that encrypted it: keep an old secret in the list until rekey() leaves none. The row may also have been changed, or copied from another row.',
    docs: 'https://datatracker.ietf.org/doc/html/rfc5116#section-2.2',
  });
}

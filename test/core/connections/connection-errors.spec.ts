import { describe, expect, it } from 'vitest';
import type { BoxAuthError } from 'nestjs-box-auth';
import {
  connectionMissing,
  noConnectionSelected,
  reauthorizationRequired,
  vaultUnavailable,
  vaultUnreadable,
} from '../../../lib/core/connections/connection-errors.js';

const cause = new Error('the cause');

describe('The errors of connections', () => {
  it.each<[() => BoxAuthError, object]>([
    [
      () => connectionMissing(),
      {
        code: 'connection_missing',
        message: 'The person has not connected an account.',
        hint: 'Send the person to authorizationUrl(), or to the route that connects an account.',
        retryable: false,
      },
    ],
    [
      () => noConnectionSelected(),
      {
        code: 'connection_missing',
        message: 'The call was made for no connection.',
        hint: 'Make it inside runAs(owner, …), or in a handler that acts for a connected person.',
        retryable: false,
      },
    ],
    [
      () => reauthorizationRequired(cause),
      {
        code: 'reauthorization_required',
        message:
          'The connection has ended: its refresh token has expired, or the person or an admin revoked it.',
        hint: 'Send the person to authorizationUrl() again. Call refreshIdle() every day, so that connections do not expire unused.',
        retryable: false,
        cause,
      },
    ],
    [
      () => vaultUnavailable(cause),
      {
        code: 'vault_unavailable',
        message: 'The vault of connections is unavailable.',
        hint: 'Check whether its database can be reached. Current tokens are used until they expire, and nothing is lost.',
        retryable: true,
        cause,
      },
    ],
    [
      () => vaultUnreadable('connection'),
      {
        code: 'vault_unreadable',
        message: 'The vault contains a connection that cannot be decrypted.',
        hint: 'Check that `secret` contains the secret that encrypted it: keep an old secret in the list until rekey() leaves none. The row may also have been changed, or copied from another row.',
        retryable: false,
      },
    ],
  ])('say what happened and what to do (%#)', (makeError, expected) => {
    const error = makeError();
    expect(error).toMatchObject(expected);
    expect(error.docs).toMatch(/^https:\/\/datatracker\.ietf\.org\/doc\/html\/rfc\d+#section-/);
  });
});

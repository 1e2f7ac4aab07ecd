import { isBoxId } from '../../box/credentials/box-id.js';
import type { HeaderValues } from '../http/http-exchange.js';
import type { HttpAnswer } from '../http/http-response.js';
import type { IssuedToken, TokenLedger } from '../http/token-ledger.js';
import { bearerChallenge, boxError } from './box-responses.js';
import type { EmulatedApp } from './emulated-app.js';
import type { StoredUser } from './enterprise/emulated-users.js';

/** The token of a call and the user it acts as. */
export interface Caller {
  readonly token: IssuedToken;
  /** The acting user, else the user that the token belongs to, else the service account. */
  readonly user: StoredUser;
}

/** Applies the rules of RFC 6750 and of `as-user`, which are the same for every resource. */
export function identifyCaller(
  headers: HeaderValues,
  app: EmulatedApp,
  ledger: TokenLedger,
): Caller | HttpAnswer {
  for (const name of ['authorization', 'as-user']) {
    if ((headers[name]?.length ?? 0) > 1) {
      return boxError(400, 'bad_request', `The ${name} header must not be sent more than once.`);
    }
  }
  const value = bearerOf(headers);
  if (value === undefined) return bearerChallenge(401, 'invalid_request');
  const token = ledger.findLive(value);
  if (!token) return bearerChallenge(401, 'invalid_token');

  const tokenUser = app.enterprises.accountOf(token.subject);
  if (!tokenUser) return bearerChallenge(401, 'invalid_token');
  const actingUserId = headers['as-user']?.[0];
  if (actingUserId === undefined) return { token, user: tokenUser };
  const user = isBoxId(actingUserId) ? app.users.get(actingUserId) : undefined;
  // Only the service account may act for other users, never for itself, and only in its enterprise.
  const isAllowed =
    app.asUserEnabled &&
    tokenUser.isServiceAccount &&
    user?.isServiceAccount === false &&
    user.enterpriseId === tokenUser.enterpriseId;
  return isAllowed ? { token, user } : accessDenied();
}

export function bearerOf(headers: HeaderValues): string | undefined {
  return /^Bearer +([^\s,]+)$/i.exec(headers.authorization?.[0] ?? '')?.[1];
}

export function accessDenied(): HttpAnswer {
  return boxError(
    403,
    'access_denied_insufficient_permissions',
    'Access denied - insufficient permission',
  );
}

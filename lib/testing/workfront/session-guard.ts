import { type HeaderValues } from '../box/bearer-guard.js';
import { type TokenLedger } from '../http/token-ledger.js';
import { type SessionFault } from './refusals.js';

/** What is wrong with how a call says who makes it; undefined when all is well. */
export function findSessionFault(
  headers: HeaderValues,
  sessions: TokenLedger,
): { readonly reason: SessionFault; readonly detail: string } | undefined {
  if (headers.authorization) {
    const detail = 'Calls carry sessionID; there must be no authorization header.';
    return { reason: 'authorization-header', detail };
  }
  const value = sessionOf(headers);
  if (value === undefined) {
    return { reason: 'no-session', detail: 'There must be one sessionID header.' };
  }
  if (!sessions.find(value)) {
    return { reason: 'unknown-session', detail: 'There never was such a session.' };
  }
  if (sessions.findLive(value)) return undefined;
  return { reason: 'ended-session', detail: 'The session was ended, or is over.' };
}

export function sessionOf({ sessionid: values }: HeaderValues): string | undefined {
  return values?.length === 1 ? values[0] : undefined;
}

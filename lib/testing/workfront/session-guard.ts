import type { HeaderValues } from '../http/http-exchange.js';
import { type TokenLedger } from '../http/token-ledger.js';
import { type SessionFault } from './refusals.js';

/** Finds what is wrong with the session of a call; undefined if it is valid. */
export function findSessionFault(
  headers: HeaderValues,
  sessions: TokenLedger,
): { readonly reason: SessionFault; readonly detail: string } | undefined {
  if (headers.authorization) {
    const detail = 'Calls must send sessionID and no authorization header.';
    return { reason: 'authorization-header', detail };
  }
  const value = sessionOf(headers);
  if (value === undefined) {
    return { reason: 'no-session', detail: 'Calls must send exactly one sessionID header.' };
  }
  if (!sessions.find(value)) {
    return { reason: 'unknown-session', detail: 'The session was never issued.' };
  }
  if (sessions.findLive(value)) return undefined;
  return { reason: 'ended-session', detail: 'The session has ended or expired.' };
}

export function sessionOf({ sessionid: values }: HeaderValues): string | undefined {
  return values?.length === 1 ? values[0] : undefined;
}

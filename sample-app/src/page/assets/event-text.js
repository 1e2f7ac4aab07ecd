// Token events as sentences.
import { durationOf } from './format.js';

/** The kinds of events that `/api/events` has. */
export const KINDS = [
  'mint',
  'renewal',
  'forced-renewal',
  'stale-served',
  'tenant-unauthorized',
  'clock-offset',
  'store',
  'connection',
  'fault',
];

const FAULTS = {
  expire: '61 minutes passed: all tokens have expired',
  revoke: 'Box revoked all tokens',
  'rate-limit': 'Box limits the rate',
  outage: 'Box issues no tokens for 30 s',
  clock: 'The clock of Box was changed by 5 min',
};

/** The lane of the timeline, and the end of “the token of …”. */
export function holderOf({ isOwn, enterprise, subjectType }) {
  if (subjectType === 'connection') return 'a connected account';
  if (subjectType === 'user') return 'a user';
  return isOwn || enterprise === undefined ? 'the app' : `tenant ${enterprise}`;
}

/** How an event looks: its symbol, and whether it is about a token. */
export function symbolOf({ kind, outcome }) {
  if (kind === 'fault') return 'fault';
  if (outcome === 'failed' || kind === 'tenant-unauthorized') return 'failed';
  if (kind === 'stale-served') return 'kept';
  if (outcome === 'shared') return 'shared';
  return { mint: 'new', renewal: 'refreshed', 'forced-renewal': 'replaced' }[kind] ?? 'other';
}

export function textOf(event) {
  switch (event.kind) {
    case 'mint':
    case 'renewal':
    case 'forced-renewal':
      return event.outcome === 'failed' ? failureText(event) : tokenText(event);
    case 'stale-served':
      return `A call used the current token of ${holderOf(event)}, valid for ${durationOf(event.usableForMs)}`;
    case 'tenant-unauthorized':
      return `Tenant ${event.enterprise} has not authorized the app`;
    case 'clock-offset':
      return clockText(event.offsetMs);
    case 'store':
      return event.state === 'away' ? 'Redis is unavailable' : 'Redis is available';
    case 'connection':
      return {
        connected: 'A user connected an account',
        lost: 'Box has ended the access to an account',
        disconnected: 'A user disconnected an account',
      }[event.change];
    default:
      return FAULTS[event.fault];
  }
}

function tokenText({ kind, outcome, durationMs, ...event }) {
  const holder = holderOf(event);
  const duration = durationMs < 1000 ? `${Math.round(durationMs)} ms` : durationOf(durationMs);
  if (outcome === 'shared') return `Read the token of ${holder} that another process requested`;
  return {
    mint: `Requested a token of ${holder}, in ${duration}`,
    renewal: `Refreshed the token of ${holder}, in ${duration}`,
    'forced-renewal': `Replaced the rejected token of ${holder}, in ${duration}`,
  }[kind];
}

function failureText({ error, usableForMs, ...event }) {
  const effect =
    usableForMs > 0
      ? `calls use the current one for another ${durationOf(usableForMs)}`
      : 'calls that need it fail';
  return `No new token of ${holderOf(event)} (${error.code}): ${effect}`;
}

function clockText(offsetMs) {
  if (Math.abs(offsetMs) < 1000) return 'The clock of Box is right';
  const direction = offsetMs > 0 ? 'ahead' : 'behind';
  return `The clock of Box is ${durationOf(Math.abs(offsetMs))} ${direction}: corrected`;
}

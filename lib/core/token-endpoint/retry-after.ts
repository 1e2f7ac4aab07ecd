const MAX_MS = 600_000;

/**
 * `Retry-After` (RFC 9110 section 10.2.3), seconds or a date, as milliseconds from `serverNow`; at most ten minutes.
 * Undefined if it is missing or neither.
 */
export function parseRetryAfter(value: string | null, serverNow: number): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d+$/.test(text)) {
    return Math.min(Number(text) * 1000, MAX_MS);
  }
  const date = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.min(Math.max(date - serverNow, 0), MAX_MS);
}

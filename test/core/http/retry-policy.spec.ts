import { describe, expect, it } from 'vitest';
import { boxRetryRules } from '../../../lib/box/box-retry-rules.js';
import { apiRetryDefaults } from '../../../lib/core/http/api-retries.options.js';
import { RetryPolicy } from '../../../lib/core/http/retry-policy.js';

const policyWith = (changes = {}, random = 0.5) =>
  new RetryPolicy({ ...apiRetryDefaults, ...changes }, boxRetryRules, () => random);
const policy = policyWith();

describe('The verdict on a status', () => {
  it.each([
    ['GET', 200, 'final'],
    ['GET', 202, 'final'],
    ['GET', 404, 'final'],
    ['GET', 408, 'repeat'],
    ['PUT', 412, 'final'],
    ['GET', 429, 'rate-limited'],
    ['POST', 429, 'rate-limited'],
    ['POST', 409, 'depends-on-body'],
    ['GET', 500, 'repeat'],
    ['HEAD', 502, 'repeat'],
    ['OPTIONS', 503, 'repeat'],
    ['PUT', 504, 'repeat'],
    ['DELETE', 599, 'repeat'],
    ['POST', 500, 'final'],
    ['PATCH', 503, 'final'],
    ['COPY', 503, 'final'],
    ['POST', 408, 'final'],
    ['GET', 501, 'final'],
    ['GET', 505, 'final'],
    ['GET', 507, 'final'],
    ['GET', 508, 'final'],
    ['GET', 510, 'final'],
    ['GET', 511, 'final'],
  ])('of %s %i is %s', (method, status, verdict) => {
    expect(policy.verdictOnStatus(method, status)).toBe(verdict);
  });

  it('of POST 500 is repeat with retryPosts', () => {
    expect(policyWith({ retryPosts: true }).verdictOnStatus('POST', 500)).toBe('repeat');
  });
});

describe('The verdict on an error', () => {
  const coded = (code: string) => Object.assign(new Error(code), { code });
  const failure = (code: string) => new TypeError('fetch failed', { cause: coded(code) });

  it.each([
    'ECONNRESET',
    'ECONNREFUSED',
    'ECONNABORTED',
    'ETIMEDOUT',
    'EPIPE',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'ENETDOWN',
    'UND_ERR_SOCKET',
    'UND_ERR_CONNECT_TIMEOUT',
    'UND_ERR_HEADERS_TIMEOUT',
    'UND_ERR_BODY_TIMEOUT',
    'ERR_HTTP2_STREAM_ERROR',
    'ERR_HTTP2_STREAM_CANCEL',
    'ERR_HTTP2_SESSION_ERROR',
    'ERR_HTTP2_GOAWAY_SESSION',
  ])('%s is repeat for a GET, and final for a POST', (code) => {
    expect(policy.verdictOnError('GET', coded(code))).toBe('repeat');
    expect(policy.verdictOnError('GET', failure(code))).toBe('repeat');
    expect(policy.verdictOnError('POST', failure(code))).toBe('final');
    expect(policyWith({ retryPosts: true }).verdictOnError('POST', failure(code))).toBe('repeat');
  });

  it.each([
    coded('ERR_CANCELED'),
    coded('ENOTFOUND'),
    coded('CERT_HAS_EXPIRED'),
    coded('UND_ERR_ABORTED'),
    coded('XECONNRESET'),
    coded('ECONNRESETS'),
    new DOMException('aborted', 'AbortError'),
    new Error('of the app'),
    'ECONNRESET',
    undefined,
  ])('%s is final', (error) => {
    expect(policy.verdictOnError('GET', error)).toBe('final');
  });
});

describe('The verdict on the body of a conflict', () => {
  it.each([
    ['{"type":"error","code":"name_temporarily_reserved"}', 'repeat'],
    ['{"code":"operation_blocked_temporary"}', 'repeat'],
    ['{"code":"item_name_in_use"}', 'final'],
    ['{"message":"name_temporarily_reserved"}', 'final'],
    ['null', 'final'],
    ['"name_temporarily_reserved"', 'final'],
    ['', 'final'],
    ['<html>', 'final'],
  ])('%s is %s', (body, verdict) => {
    expect(policy.verdictOnBody(body)).toBe(verdict);
  });
});

describe('The delay before a repetition', () => {
  it('doubles up to the limit, with full jitter', () => {
    const delays = [1, 2, 3, 4, 5, 9].map((repetition) => policy.delayMs(repetition, undefined));
    expect(delays).toEqual([500, 1_000, 2_000, 4_000, 8_000, 30_000]);
    expect(policyWith({}, 0).delayMs(3, undefined)).toBe(0);
    expect(policyWith({ maxDelayMs: 100 }).delayMs(1, undefined)).toBe(50);
  });

  it('is Retry-After and a jitter of up to a second', () => {
    expect(policy.delayMs(1, 7_000)).toBe(7_500);
    expect(policy.delayMs(4, 60_000)).toBe(60_500);
    expect(policyWith({}, 0).delayMs(4, 0)).toBe(0);
  });

  it('is undefined if Retry-After is longer than the limit', () => {
    expect(policy.delayMs(1, 60_001)).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import { BoxAuthError, type BoxAuthErrorCode } from 'nestjs-box-auth';
import { isAboutCredentials, namedError } from '../../../lib/core/app/bad-credentials.js';

const errorOf = (code: BoxAuthErrorCode, more: object = {}) =>
  new BoxAuthError({ code, message: 'Broken.', hint: 'Fix it.', docs: 'd', ...more });

describe('An error about credentials', () => {
  it.each([
    ['config_missing', {}],
    ['key_invalid', {}],
    ['credentials_unavailable', { retryable: true }],
    ['client_invalid', { status: 400 }],
  ] as const)('is %s', (code, more) => {
    expect(isAboutCredentials(errorOf(code, more))).toBe(true);
  });

  it.each([
    ['option_invalid', {}],
    ['unavailable', { retryable: true, status: 503 }],
    ['network', { retryable: true }],
  ] as const)('is not %s', (code, more) => {
    expect(isAboutCredentials(errorOf(code, more))).toBe(false);
  });

  it('is not any other error', () => {
    expect(isAboutCredentials(new Error('config_missing'))).toBe(false);
  });
});

describe('The error of an app', () => {
  it('names the app, and keeps everything else', () => {
    const error = errorOf('rate_limited', { retryable: true, status: 429, retryAfterMs: 5 });
    const named = namedError(error, 'hr');
    expect(named).toMatchObject({
      message: 'App "hr": Broken.',
      code: 'rate_limited',
      hint: 'Fix it.',
      status: 429,
      retryable: true,
      retryAfterMs: 5,
    });
  });

  it('stays unchanged for an app without a name, or if it is another error', () => {
    const error = errorOf('config_invalid');
    expect(namedError(error, undefined)).toBe(error);
    const other = new Error('x');
    expect(namedError(other, 'hr')).toBe(other);
  });
});

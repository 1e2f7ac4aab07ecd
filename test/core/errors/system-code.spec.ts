import { describe, expect, it } from 'vitest';
import { systemCode } from '../../../lib/core/errors/system-code.js';

const errorWith = (code: unknown, cause?: unknown) =>
  Object.assign(new Error('failed', { cause }), { code });

/** An error with `code` below so many others. */
const nested = (depth: number): Error =>
  depth === 0 ? errorWith('ECONNRESET') : new Error('fetch failed', { cause: nested(depth - 1) });

describe('The system code of an error', () => {
  it.each([
    ['its own', errorWith('ENOTFOUND', errorWith('ECONNRESET')), 'ENOTFOUND'],
    ['that of its cause', new Error('fetch failed', { cause: errorWith('EPIPE') }), 'EPIPE'],
    ['the one below nine others', nested(9), 'ECONNRESET'],
    ['of at most 60 characters', errorWith('E'.repeat(60)), 'E'.repeat(60)],
    ['below a code that is no text', errorWith(42, errorWith('EPIPE')), 'EPIPE'],
    ['below a code with spaces', errorWith('the code', errorWith('EPIPE')), 'EPIPE'],
    ['below one with a line break', errorWith('EPIPE\n', errorWith('EPIPE')), 'EPIPE'],
    ['below one that is too long', errorWith('E'.repeat(61), errorWith('EPIPE')), 'EPIPE'],
    ['below an empty one', errorWith('', errorWith('EPIPE')), 'EPIPE'],
  ])('is %s', (_, error, code) => {
    expect(systemCode(error)).toBe(code);
  });

  it.each([
    ['an error without one', new Error('failed')],
    ['an error with one below ten others', nested(10)],
    ['a value that is no Error', { code: 'EPIPE' }],
    ['a cause that is no Error', new Error('failed', { cause: { code: 'EPIPE' } })],
    ['a text', 'EPIPE'],
    ['nothing', undefined],
  ])('is undefined for %s', (_, error) => {
    expect(systemCode(error)).toBeUndefined();
  });

  it('is undefined for an error that is its own cause', () => {
    const error = new Error('failed');
    error.cause = error;
    expect(systemCode(error)).toBeUndefined();
  });

  it('is undefined for an error that cannot be read', () => {
    const error = Object.defineProperty(new Error('failed'), 'code', {
      get: () => {
        throw new Error('no');
      },
    });
    expect(systemCode(error)).toBeUndefined();
  });
});

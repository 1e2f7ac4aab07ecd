import { describe, expect, it } from 'vitest';
import { UnusableAnswer } from '../../lib/token-endpoint/token-request.js';
import { timeoutError, unreachableError } from '../../lib/token-endpoint/unreachable.js';

const endpoint = {
  name: 'Box',
  docs: 'https://docs.example/tokens',
  tokenUrl: 'https://box.example/oauth2/token',
};
const failed = (code: unknown, message = 'it happened') =>
  new TypeError('fetch failed', { cause: Object.assign(new Error(message), { code }) });

describe('A token endpoint that gives no token', () => {
  it.each([
    ['is silent', () => timeoutError(endpoint, 9_999.7), 'timeout', 'within 10000 ms', 'proxy'],
    [
      'breaks off',
      () => unreachableError(endpoint, failed('ECONNRESET')),
      'network',
      '(ECONNRESET)',
      'DNS',
    ],
    [
      'answers like something else',
      () => unreachableError(endpoint, new UnusableAnswer('it is a cat')),
      'response_invalid',
      'it is a cat',
      'Check apiUrl',
    ],
  ])(
    'as it %s is told by its name and address, what it did, and what to look at',
    (_, tell, code, what, remedy) => {
      const error = tell();
      expect(error).toMatchObject({ code, retryable: true, docs: endpoint.docs });
      expect(error.message).toContain('Box');
      expect(error.message).toContain(endpoint.tokenUrl);
      expect(error.message).toContain(what);
      expect(error.hint).toContain(remedy);
    },
  );

  it.each(['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'SELF_SIGNED_CERT_IN_CHAIN', 'CERT_HAS_EXPIRED'])(
    'with the certificate error %s is not worth another attempt until the CA is known',
    (code) => {
      const error = unreachableError(endpoint, failed(code));
      expect(error).toMatchObject({ code: 'network', retryable: false });
      expect(error.message).toContain(code);
      expect(error.hint).toContain('NODE_EXTRA_CA_CERTS');
    },
  );

  it.each([
    ['itself', Object.assign(new Error('x'), { code: 'ETIMEDOUT' })],
    ['its cause', failed('ETIMEDOUT')],
    ['the cause of its cause', new Error('x', { cause: failed('ETIMEDOUT') })],
  ])('is told with the code of %s', (_, error) => {
    expect(unreachableError(endpoint, error).message).toContain('(ETIMEDOUT)');
  });

  // What stands in a message must be a word: a code may be anybody's text.
  it.each([
    ['there is none', new TypeError('fetch failed')],
    ['it is a number', failed(110)],
    ['words come before it', failed('client_secret=hunter2 ECONNRESET')],
    ['words come after it', failed('ECONNRESET client_secret=hunter2')],
    ['it is longer than any code', failed('E'.repeat(61))],
    ['what was thrown is no error', { code: 'ECONNRESET' }],
  ])('is told without a code if %s', (_, error) => {
    const { message } = unreachableError(endpoint, error);
    expect(message).toContain('(no code)');
    expect(message).not.toContain('hunter2');
  });

  it('keeps what failed as its cause', () => {
    expect(String(unreachableError(endpoint, failed('ECONNRESET')).cause)).toContain(
      'fetch failed',
    );
  });
});

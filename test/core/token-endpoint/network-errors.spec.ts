import { describe, expect, it } from 'vitest';
import { UnusableResponse } from '../../../lib/core/token-endpoint/token-request.js';
import { timeoutError, unreachableError } from '../../../lib/core/token-endpoint/network-errors.js';

const endpoint = {
  name: 'Box',
  docs: 'https://docs.example/tokens',
  tokenUrl: 'https://box.example/oauth2/token',
};
const failed = (code: unknown, message = 'it happened') =>
  new TypeError('fetch failed', { cause: Object.assign(new Error(message), { code }) });

describe('The error of a failed token request', () => {
  it.each([
    [
      'without a response',
      () => timeoutError(endpoint, { waitedMs: 9_999.7, attempts: 1 }),
      'timeout',
      'gave no response within 10 s.',
      'proxy',
    ],
    [
      'without a response for less than a second',
      () => timeoutError(endpoint, { waitedMs: 40.2, attempts: 1 }),
      'timeout',
      'gave no response within 40 ms.',
      'proxy',
    ],
    [
      'without a response at every attempt',
      () => timeoutError(endpoint, { waitedMs: 30_000, attempts: 3 }),
      'timeout',
      'gave no response within 30 s (3 attempts, no response to the last).',
      'proxy',
    ],
    [
      'that was not sent in time',
      () => timeoutError(endpoint, { waitedMs: 30_000, attempts: 0 }),
      'timeout',
      'received no request within 30 s, because earlier requests got no response.',
      'proxy',
    ],
    [
      'whose connection was closed',
      () => unreachableError(endpoint, failed('ECONNRESET')),
      'network',
      '(ECONNRESET)',
      'closed before a response',
    ],
    [
      'with a response of another server',
      () => unreachableError(endpoint, new UnusableResponse('it is a cat')),
      'response_invalid',
      'it is a cat',
      'Check apiUrl',
    ],
  ])(
    '%s names the endpoint, its address, the failure and a remedy',
    (_, make, code, failure, remedy) => {
      const error = make();
      expect(error).toMatchObject({ code, retryable: true, docs: endpoint.docs });
      expect(error.message).toContain('Box');
      expect(error.message).toContain(endpoint.tokenUrl);
      expect(error.message).toContain(failure);
      expect(error.hint).toContain(remedy);
    },
  );

  it.each([
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /NODE_EXTRA_CA_CERTS/],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', /NODE_EXTRA_CA_CERTS/],
    ['SELF_SIGNED_CERT_IN_CHAIN', /NODE_EXTRA_CA_CERTS/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /NODE_EXTRA_CA_CERTS/],
    ['CERT_UNTRUSTED', /NODE_EXTRA_CA_CERTS/],
    ['CERT_HAS_EXPIRED', /clock/],
    ['CERT_NOT_YET_VALID', /clock/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /host name/],
  ])('is not retryable for the certificate error %s', (code, hint) => {
    const error = unreachableError(endpoint, failed(code));
    expect(error).toMatchObject({ code: 'network', retryable: false });
    expect(error.message).toContain(code);
    expect(error.hint).toMatch(hint);
  });

  it.each([
    ['ERR_SSL_WRONG_VERSION_NUMBER', /https, not http/],
    ['EPROTO', /https, not http/],
    ['ENOTFOUND', /spelling/],
    ['EAI_AGAIN', /DNS server/],
    ['ECONNREFUSED', /Nothing listens/],
    ['ETIMEDOUT', /firewall/],
    ['UND_ERR_CONNECT_TIMEOUT', /firewall/],
    ['ENETUNREACH', /proxy/],
    ['UND_ERR_HEADERS_TIMEOUT', /no response came/],
    ['UND_ERR_BODY_TIMEOUT', /no response came/],
    ['UND_ERR_SOCKET', /closed before a response/],
    ['EPIPE', /closed before a response/],
    ['ESOMETHINGNEW', /outgoing connections of this network/],
  ])('is retryable for %s and explains it', (code, hint) => {
    const error = unreachableError(endpoint, failed(code));
    expect(error).toMatchObject({ code: 'network', retryable: true });
    expect(error.hint).toMatch(hint);
    expect(error.hint).not.toContain('NODE_EXTRA_CA_CERTS');
  });

  it.each([
    ['itself', Object.assign(new Error('x'), { code: 'ETIMEDOUT' })],
    ['its cause', failed('ETIMEDOUT')],
    ['the cause of its cause', new Error('x', { cause: failed('ETIMEDOUT') })],
  ])('contains the code of %s', (_, error) => {
    expect(unreachableError(endpoint, error).message).toContain('(ETIMEDOUT)');
  });

  // A code may be any text, but the message accepts only a single word.
  it.each([
    ['there is no code', new TypeError('fetch failed')],
    ['it is a number', failed(110)],
    ['words come before it', failed('client_secret=hunter2 ECONNRESET')],
    ['words come after it', failed('ECONNRESET client_secret=hunter2')],
    ['it is longer than any code', failed('E'.repeat(61))],
    ['the thrown value is not an Error', { code: 'ECONNRESET' }],
  ])('contains no code if %s', (_, error) => {
    const { message } = unreachableError(endpoint, error);
    expect(message).toContain('(no code)');
    expect(message).not.toContain('hunter2');
  });

  it('has the original error as its cause', () => {
    expect(String(unreachableError(endpoint, failed('ECONNRESET')).cause)).toContain(
      'fetch failed',
    );
  });
});

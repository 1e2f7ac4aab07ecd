import { describe, expect, it } from 'vitest';
import { refusesBearer } from '../../../lib/core/http/bearer-refusal.js';

const refuses = (challenge: string | null, body = 'text', status = 401) =>
  refusesBearer({ status, challenge, isEmpty: () => body === '' });

describe('A 401', () => {
  it.each([
    'Bearer realm="Service", error="invalid_token", error_description="The access token was not found."',
    'Bearer error=invalid_token',
    'bearer ERROR = "invalid_token"',
    'Bearer error="invalid\\_token"',
    'Basic realm="a", Bearer realm="b", error="invalid_token"',
    'Bearer error="invalid_token", Negotiate YWJj==',
    'Negotiate YWJj==, Bearer error="invalid_token"',
    'error="invalid_token"',
    'Bearer error="invalid_token',
  ])('with %s refuses the token', (challenge) => {
    expect(refuses(challenge)).toBe(true);
  });

  it.each([
    'Bearer error="insufficient_scope"',
    'Bearer error="insufficient_scope", error_description="not error=invalid_token"',
    'Bearer error_description="error=invalid_token", error="insufficient_scope"',
    'Bearer error_description="a \\" error=invalid_token", error="invalid_request"',
    'Bearer error="invalid_token_format"',
    'Bearer x-error="invalid_token", error="invalid_request"',
  ])('with %s does not', (challenge) => {
    expect(refuses(challenge, '')).toBe(false);
  });

  it.each([
    null,
    '',
    'Bearer realm="Service"',
    'Bearer x-error="invalid_token"',
    'Bearer realm="error=invalid_token"',
    'DPoP error="invalid_token"',
    'Basic realm="Box"',
    ',,,"',
  ])('with %s refuses it only without a body', (challenge) => {
    expect(refuses(challenge, '')).toBe(true);
    expect(refuses(challenge, '{"code":"unauthorized"}')).toBe(false);
  });

  it('is read in linear time: quadratic time would outlast the time limit', () => {
    for (const part of [' ', '"', '\\', 'a ', 'a=', 'a="', ',', 'a="\\']) {
      expect(refuses(part.repeat(200_000))).toBe(false);
    }
  });
});

it('Another status refuses no token', () => {
  expect(refuses('Bearer error="invalid_token"', '', 403)).toBe(false);
});

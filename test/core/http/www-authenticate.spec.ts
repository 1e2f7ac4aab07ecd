import fc from 'fast-check';
import { boxApiError } from 'nestjs-box-auth';
import { describe, expect, it } from 'vitest';
import { parseChallenges, refusesBearer } from '../../../lib/core/http/www-authenticate.js';

const refuses = (challenge: string | null, body = 'text', status = 401) =>
  refusesBearer({ status, challenge, isEmpty: () => body === '' });

const codeOf = async (challenge: string | null, body = 'text') => {
  const headers = challenge === null ? {} : { 'www-authenticate': challenge };
  return (await boxApiError(new Response(body, { status: 401, headers }))).code;
};

const parsed = (header: string) =>
  parseChallenges(header).map(({ scheme, token68, parameters }) => ({
    scheme,
    token68,
    parameters: Object.fromEntries(parameters),
  }));

describe('The WWW-Authenticate parser', () => {
  it.each([
    ['', []],
    ['Basic', [{ scheme: 'basic', parameters: {} }]],
    [
      'Basic realm="a, b", charset=UTF-8',
      [{ scheme: 'basic', parameters: { realm: 'a, b', charset: 'UTF-8' } }],
    ],
    [
      'Negotiate YWJj/+==, Basic',
      [
        { scheme: 'negotiate', token68: 'YWJj/+==', parameters: {} },
        { scheme: 'basic', parameters: {} },
      ],
    ],
    [
      'Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"', // RFC 9110
      [
        { scheme: 'newauth', parameters: { realm: 'apps', type: '1', title: 'Login to "apps"' } },
        { scheme: 'basic', parameters: { realm: 'simple' } },
      ],
    ],
    [
      ' , BEARER , ERROR\t= "x" ,, Digest',
      [
        { scheme: 'bearer', parameters: { error: 'x' } },
        { scheme: 'digest', parameters: {} },
      ],
    ],
    ['error="x"', [{ scheme: '', parameters: { error: 'x' } }]],
    ['Bearer error="x', [{ scheme: 'bearer', parameters: { error: 'x' } }]],
    ['Bearer error=x, error=y', [{ scheme: 'bearer', parameters: { error: 'x' } }]],
    ['Bearer a="", b/c, "d"', [{ scheme: 'bearer', parameters: { a: '' } }]],
  ])('parses %s', (header, challenges) => {
    expect(parsed(header)).toEqual(challenges);
  });

  const tokenCharacters = "abcxyzABCXYZ0189!#$%&'*+.^_`|~-";
  const token = fc.string({ unit: fc.constantFrom(...tokenCharacters), minLength: 1 });
  const space = fc.stringMatching(/^[ \t]{0,2}$/);
  const parameter = fc.record({
    name: token,
    value: fc.oneof(
      token.map((text) => ({ text, written: text })),
      fc
        .string({
          unit: fc.oneof(fc.constantFrom('"', '\\', ',', ' ', '='), fc.constantFrom('a', 'ä')),
        })
        .map((text) => ({ text, written: `"${text.replace(/["\\]/g, '\\$&')}"` })),
    ),
    before: space,
    after: space,
  });
  const challenge = fc.record({
    scheme: token,
    content: fc.oneof(
      fc.stringMatching(/^[\w.~+/-]{1,9}={0,2}$/).map((token68) => ({ token68 })),
      fc
        .uniqueArray(parameter, { selector: ({ name }) => name.toLowerCase(), maxLength: 4 })
        .map((parameters) => ({ parameters })),
    ),
  });

  it('returns the challenges that a header was built from', () => {
    fc.assert(
      fc.property(fc.array(challenge), space, (challenges, gap) => {
        const lines = challenges.map(({ scheme, content }) =>
          'token68' in content
            ? `${scheme} ${content.token68}`
            : `${scheme} ${content.parameters
                .map(
                  ({ name, before, after, value }) => `${name}${before}=${after}${value.written}`,
                )
                .join(`${gap},${gap}`)}`,
        );
        expect(parsed(lines.join(', '))).toEqual(
          challenges.map(({ scheme, content }) => ({
            scheme: scheme.toLowerCase(),
            token68: 'token68' in content ? content.token68 : undefined,
            parameters: Object.fromEntries(
              'token68' in content
                ? []
                : content.parameters.map(({ name, value }) => [name.toLowerCase(), value.text]),
            ),
          })),
        );
      }),
    );
  });

  it('returns challenges for any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', ' ', ',', '=', '"', '\\', '/') }),
        (text) => {
          for (const { scheme } of parseChallenges(text)) expect(scheme).toMatch(/^a*$/);
        },
      ),
    );
  });

  it('takes linear time: quadratic time would outlast the time limit', () => {
    for (const part of [' ', '"', '\\', 'a', '=', 'a ', 'a=', 'a="', ',', 'a="\\', 'a/', 'a =']) {
      expect(refuses(part.repeat(200_000))).toBe(false);
    }
  });
});

describe('A 401 response', () => {
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
  ])('with %s refuses the token, and boxApiError agrees', async (header) => {
    expect(refuses(header)).toBe(true);
    expect(await codeOf(header)).toBe('token_invalid');
  });

  it.each([
    'Bearer error="insufficient_scope"',
    'Bearer error="insufficient_scope", error_description="not error=invalid_token"',
    'Bearer error_description="error=invalid_token", error="insufficient_scope"',
    'Bearer error_description="a \\" error=invalid_token", error="invalid_request"',
    'Bearer error="invalid_token_format"',
    'Bearer x-error="invalid_token", error="invalid_request"',
    // The response of Box to a call without a token.
    'Bearer realm="Service", error="invalid_request", error_description="The access token was not found."',
  ])('with %s does not refuse the token, and boxApiError agrees', async (header) => {
    expect(refuses(header, '')).toBe(false);
    expect(await codeOf(header)).not.toBe('token_invalid');
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
  ])(
    'with %s refuses the token only without a body, and boxApiError agrees when there is one',
    async (header) => {
      expect(refuses(header, '')).toBe(true);
      expect(refuses(header, '{"code":"unauthorized"}')).toBe(false);
      expect(await codeOf(header, '{"code":"unauthorized"}')).toBe('unauthorized');
    },
  );
});

it('A response with another status never refuses the token', () => {
  expect(refuses('Bearer error="invalid_token"', '', 403)).toBe(false);
});

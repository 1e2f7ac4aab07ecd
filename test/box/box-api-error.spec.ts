import { expect, it } from 'vitest';
import { boxApiError } from 'nestjs-box-auth';

const challenge = (error: string) => ({
  'www-authenticate': `Bearer realm="Service", error="${error}", error_description="x"`,
});
const json = (body: object) => ({
  body: JSON.stringify({ type: 'error', ...body }),
  headers: { 'content-type': 'application/json' },
});

it.each([
  ['an expired token', 401, { headers: challenge('invalid_token') }, 'token_invalid', true],
  [
    'a 401 with a body',
    401,
    json({ code: 'unauthorized', message: 'Unauthorized' }),
    'unauthorized',
    false,
  ],
  [
    'a call that arrived without a token',
    401,
    { headers: challenge('invalid_request') },
    'unauthorized',
    false,
  ],
  [
    'a network address that is not allowed',
    403,
    json({ code: 'access_from_location_blocked', message: 'You cannot access Box from here' }),
    'access_denied',
    false,
  ],
  ['no storage left', 507, json({ code: 'storage_limit_exceeded' }), 'request_refused', false],
  [
    'a missing scope',
    403,
    { headers: challenge('insufficient_scope') },
    'insufficient_scope',
    false,
  ],
  [
    'a target that is not allowed',
    403,
    json({
      code: 'access_denied_insufficient_permissions',
      message: 'Access denied - insufficient permission',
    }),
    'access_denied',
    false,
  ],
  [
    'terms that were not accepted',
    400,
    json({ code: 'terms_of_service_required' }),
    'terms_of_service_required',
    false,
  ],
  [
    'too many requests',
    429,
    json({
      code: 'rate_limit_exceeded',
      message: 'Request rate limit exceeded, please try again later',
    }),
    'rate_limited',
    true,
  ],
  ['an outage', 503, json({ code: 'unavailable', message: 'Unavailable' }), 'unavailable', true],
  [
    'an item that is not there',
    404,
    json({ code: 'not_found', message: 'Not Found' }),
    'request_refused',
    false,
  ],
  ['an unknown status with an unknown body', 418, { body: '<html>' }, 'request_refused', false],
])(
  'boxApiError explains %s',
  async (
    _,
    status,
    { body, headers }: { body?: string; headers?: Record<string, string> },
    code,
    retryable,
  ) => {
    const error = await boxApiError(
      new Response(body, {
        status,
        headers: { ...headers, 'box-request-id': 'r1', 'retry-after': '3' },
      }),
    );
    expect(error).toMatchObject({ code, status, retryable, requestId: 'r1', retryAfterMs: 3_000 });
    expect(error.docs).toMatch(/^https:\/\/developer\.box\.com\//);
    expect(error.hint.length).toBeGreaterThan(20);
  },
);

it.each([429, 503])(
  'the error for a %i does not promise that the call is repeated',
  async (status) => {
    const { hint } = await boxApiError(new Response('{}', { status }));
    expect(hint).toContain('apiRetries');
    expect(hint).not.toContain('automatically');
  },
);

it.each([
  [
    'a service that may not be used',
    401,
    json({ code: 'unauthorized', message: 'Unauthorized - Cannot authorize with this service' }),
    'unpublished apps',
  ],
  [
    'an as-user id that does not exist',
    403,
    json({ code: 'access_denied_insufficient_permissions', message: 'Access denied' }),
    'does not exist',
  ],
  ['no token', 401, { body: '', headers: challenge('invalid_request') }, 'Authorization header'],
])('boxApiError names the cause in the hint: %s', async (_, status, { body, headers }, cause) => {
  expect((await boxApiError(new Response(body, { status, headers }))).hint).toContain(cause);
});

it('boxApiError reads a date in Retry-After by the clock of the response', async () => {
  const headers = {
    date: 'Sun, 01 Mar 2026 12:00:00 GMT',
    'retry-after': 'Sun, 01 Mar 2026 12:00:09 GMT',
  };
  expect((await boxApiError(new Response('', { status: 429, headers }))).retryAfterMs).toBe(9_000);
});

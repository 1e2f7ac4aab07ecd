import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import type { BoxAuthOptions } from '../../../lib/box/box-auth.options.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';
import { broken, refuse, ScriptedEndpoint, silence } from '../../support/scripted-endpoint.js';
import { thrownBy } from '../../support/thrown.js';

const SECRET = 'sEcReTsEcReTsEcReTsEcReTsEcReT12';
const credentials = {
  clientId: 'client-id-of-the-app',
  clientSecret: SECRET,
  enterpriseId: '1234567',
};

let runtime: FakeRuntime;
let endpoint: ScriptedEndpoint;

beforeEach(() => {
  runtime = new FakeRuntime();
  endpoint = new ScriptedEndpoint(runtime);
});

const box = (options: Partial<BoxAuthOptions> = {}) =>
  new BoxAuth({ credentials, fetch: endpoint.fetch, runtime, ...options }).provider;

/** The result of `work`, after time for every attempt. */
async function afterAll<T>(work: Promise<T>, ms = 120_000): Promise<T> {
  work.catch(() => undefined);
  await runtime.advance(ms);
  return work;
}

describe('The code of a refusal', () => {
  // A placeholder, or a word of Box's own texts: the redaction must not affect the classification.
  it.each([
    ['d', 'invalid_grant', 'Grant credentials are invalid', 'grant_invalid'],
    ['invalid', 'invalid_grant', 'Grant credentials are invalid', 'grant_invalid'],
    ['credentials', 'invalid_grant', 'Grant credentials are invalid', 'grant_invalid'],
    ['client', 'invalid_client', 'The client credentials are invalid', 'client_invalid'],
  ])('is right where the client secret is %j', async (clientSecret, error, description, code) => {
    endpoint.otherwise = refuse(endpoint, 400, error, description);
    const auth = new BoxAuth({
      credentials: { clientId: 'c', clientSecret, enterpriseId: '1' },
      fetch: endpoint.fetch,
      runtime,
    });
    expect((await thrownBy(() => auth.provider.getToken())).code).toBe(code);
  });
});

describe('A token request', () => {
  it('posts a form to the token endpoint, follows no redirect and sends no token', async () => {
    await box().getToken();
    const [request] = endpoint.received;
    expect(request?.url).toBe('https://api.box.com/oauth2/token');
    expect(request?.init).toMatchObject({ method: 'POST', redirect: 'manual' });
    expect(Object.fromEntries(new Headers(request?.init.headers))).toEqual({
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    });
    expect(Object.fromEntries(request?.form ?? [])).toEqual({
      grant_type: 'client_credentials',
      client_id: credentials.clientId,
      client_secret: SECRET,
      box_subject_type: 'enterprise',
      box_subject_id: '1234567',
    });
  });

  it('goes to apiUrl, with or without a path', async () => {
    await box({ apiUrl: 'https://proxy.example.com/box/' }).getToken();
    expect(endpoint.received[0]?.url).toBe('https://proxy.example.com/box/oauth2/token');
  });

  it('names the user as its subject for a user token', async () => {
    const token = await box().getToken({ subject: { type: 'user', id: '42' } });
    expect(endpoint.received[0]?.form.get('box_subject_type')).toBe('user');
    expect(endpoint.received[0]?.form.get('box_subject_id')).toBe('42');
    expect(token.subject).toEqual({ type: 'user', id: '42' });
  });

  it.each(['', 'me', '12 34', '1\n2', '١٢', '123456789012345678901', 'a&b=c'])(
    'is not sent for the subject %j',
    async (id) => {
      const error = await thrownBy(() => box().getToken({ subject: { type: 'user', id } }));
      expect(error.code).toBe('subject_invalid');
      expect(endpoint.received).toEqual([]);
    },
  );

  it('is not sent with a developer token, not even for another user or after a refusal', async () => {
    const provider = box({ credentials: { developerToken: 'dev-token' } });
    const token = await provider.getToken();
    expect(token.value).toBe('dev-token');
    expect(token.expiresAt).toBeUndefined();
    expect(
      (await thrownBy(() => provider.getToken({ subject: { type: 'user', id: '5' } }))).code,
    ).toBe('subject_unsupported');
    provider.invalidate(token);
    expect((await thrownBy(() => provider.getToken())).code).toBe('developer_token_expired');
    expect((await thrownBy(() => provider.getToken())).code).toBe('developer_token_expired');
    expect(endpoint.received).toEqual([]);
  });
});

describe('The response to a token request', () => {
  it('sets the expiry, counted from the request by the clock of Box', async () => {
    endpoint.lifetimeS = 4123;
    endpoint.skewMs = 300_000;
    const requestedAt = runtime.now();
    const token = await box().getToken();
    expect(
      Math.abs((token.expiresAt ?? 0) - (requestedAt + 300_000 + 4_123_000)),
    ).toBeLessThanOrEqual(1500);
  });

  it.each([undefined, 0, -5, 'soon', null, Number.MAX_VALUE])(
    'with expires_in %j contains a usable token',
    async (expiresIn) => {
      endpoint.otherwise = () => endpoint.json(200, { access_token: 'abc', expires_in: expiresIn });
      expect((await box().getToken()).value).toBe('abc');
    },
  );

  it('may contain the lifetime as a string, as some proxies write it', async () => {
    endpoint.otherwise = () => endpoint.json(200, { access_token: 'abc', expires_in: '100' });
    expect((await box().getToken()).expiresAt).toBeDefined();
  });

  it.each([
    ['HTML', () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
    [
      'broken JSON',
      () => new Response('{"access_token":', { headers: { 'content-type': 'application/json' } }),
    ],
    [
      'JSON of another type',
      () => new Response('{"access_token":"abc"}', { headers: { 'content-type': 'text/plain' } }),
    ],
    ['a list', () => endpoint.json(200, ['abc'])],
    ['no token', () => endpoint.json(200, { token_type: 'bearer' })],
    ['an empty token', () => endpoint.json(200, { access_token: '' })],
    ['a token with a newline', () => endpoint.json(200, { access_token: 'abc\r\nas-user: 1' })],
    ['a token that is an object', () => endpoint.json(200, { access_token: { value: 'abc' } })],
    ['a token of a megabyte', () => endpoint.json(200, { access_token: 'a'.repeat(1_000_000) })],
    [
      'a redirect',
      () => new Response(null, { status: 302, headers: { location: 'https://evil.example/' } }),
    ],
  ])('that is %s is not a token, and the request is retried', async (_, response) => {
    endpoint.otherwise = response;
    const error = await thrownBy(() => afterAll(box().getToken()));
    expect(error.code).toBe('response_invalid');
    expect(error.retryable).toBe(true);
    expect(endpoint.received).toHaveLength(4);
  });

  it('of any length is read up to a limit only', async () => {
    let sent = 0;
    endpoint.otherwise = () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            sent += 65_536;
            controller.enqueue(new Uint8Array(65_536));
          },
        }),
        { headers: { 'content-type': 'application/json' } },
      );
    await thrownBy(() => afterAll(box({ tokenEndpoint: { attempts: 1 } }).getToken()));
    expect(sent).toBeLessThan(1_000_000);
  });
});

describe('A transient failure', () => {
  it.each([
    ['429', () => refuse(endpoint, 429, 'rate_limit_exceeded', 'later')],
    ['500', () => refuse(endpoint, 500, 'internal_server_error', '')],
    ['502 from a proxy', () => () => new Response('Bad gateway', { status: 502 })],
    ['503', () => refuse(endpoint, 503, 'unavailable', 'Unavailable')],
    ['a reset', () => broken('ECONNRESET')],
    ['a refused connection', () => broken('ECONNREFUSED')],
    ['a name that does not resolve', () => broken('EAI_AGAIN')],
  ])('is retried: %s', async (_, trouble) => {
    endpoint.script(trouble(), trouble());
    const token = await afterAll(box().getToken());
    expect(token.value).toContain('token-3');
    expect(endpoint.received).toHaveLength(3);
  });

  it('is retried after an attempt without a response, which ends after 10 s', async () => {
    endpoint.script(silence);
    const work = box().getToken();
    await runtime.advance(9_999);
    expect(endpoint.received).toHaveLength(1);
    await afterAll(work);
    expect(endpoint.received).toHaveLength(2);
    expect(endpoint.received[0]?.init.signal?.aborted).toBe(true);
  });

  it('is the error after four attempts', async () => {
    endpoint.otherwise = refuse(endpoint, 503, 'unavailable', 'Unavailable');
    const error = await thrownBy(() => afterAll(box().getToken()));
    expect(error).toMatchObject({ code: 'unavailable', status: 503, retryable: true });
    expect(endpoint.received).toHaveLength(4);
  });

  it('is retried for 30 s at most, then ends with a timeout', async () => {
    endpoint.otherwise = silence;
    const work = box({ tokenEndpoint: { attempts: 100 } }).getToken();
    work.catch(() => undefined);
    await runtime.advance(30_000);
    const error = await thrownBy(() => work);
    expect(error).toMatchObject({ code: 'timeout', retryable: true });
    const attempts = endpoint.received.length;
    expect(error.message).toContain(
      `gave no response within 30 s (${attempts} attempts, no response to the last).`,
    );
    expect(endpoint.received.length).toBeLessThanOrEqual(4);
    expect(endpoint.received.at(-1)?.init.signal?.aborted).toBe(true);
  });

  it.each([
    ['seconds', () => '7', 7_000],
    ['a date', () => new Date(runtime.now() + 7_000).toUTCString(), 7_000],
    [
      'a date by a clock that is ahead',
      () => {
        endpoint.skewMs = 600_000;
        return new Date(runtime.now() + 607_000).toUTCString();
      },
      7_000,
    ],
  ])('is not retried before Retry-After, given as %s', async (_, retryAfter, ms) => {
    runtime.randomValue = 0;
    endpoint.script(
      refuse(endpoint, 429, 'rate_limit_exceeded', 'later', { 'retry-after': retryAfter() }),
    );
    await afterAll(box().getToken());
    const [first, second] = endpoint.received;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(ms - 500);
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeLessThanOrEqual(ms + 1000);
  });

  it('is not retried if Retry-After is beyond the deadline, and the error says how long to wait, at most ten minutes', async () => {
    endpoint.script(
      refuse(endpoint, 429, 'rate_limit_exceeded', 'later', { 'retry-after': '86400' }),
    );
    const error = await thrownBy(() => afterAll(box().getToken(), 0));
    expect(error).toMatchObject({ code: 'rate_limited', retryAfterMs: 600_000 });
    expect(endpoint.received).toHaveLength(1);
  });

  it.each(['', 'soon', '-5', '1.5', '0x10'])(
    'is retried as usual if Retry-After is %j',
    async (retryAfter) => {
      endpoint.script(
        refuse(endpoint, 429, 'rate_limit_exceeded', 'later', { 'retry-after': retryAfter }),
      );
      await afterAll(box().getToken());
      expect(endpoint.received).toHaveLength(2);
      expect((endpoint.received[1]?.at ?? 0) - (endpoint.received[0]?.at ?? 0)).toBeLessThanOrEqual(
        1000,
      );
    },
  );

  it('does not include an untrusted certificate, which has a hint instead', async () => {
    endpoint.script(broken('UNABLE_TO_VERIFY_LEAF_SIGNATURE'));
    const error = await thrownBy(() => afterAll(box().getToken()));
    expect(error).toMatchObject({ code: 'network', retryable: false });
    expect(error.hint).toContain('NODE_EXTRA_CA_CERTS');
    expect(endpoint.received).toHaveLength(1);
  });

  it('of the network is not remembered for the credentials: the next call sends a request', async () => {
    endpoint.script(broken('UNABLE_TO_VERIFY_LEAF_SIGNATURE'));
    const provider = box();
    await thrownBy(() => provider.getToken());
    await expect(provider.getToken()).resolves.toBeDefined();
    expect(endpoint.received).toHaveLength(2);
  });
});

describe('A refusal of Box', () => {
  it.each([
    [
      400,
      'unauthorized_client',
      'This app is not authorized by the enterprise admin',
      'app_not_authorized',
    ],
    [
      400,
      'unauthorized_client',
      'The "box_subject_type" value is unauthorized for this client_id',
      'grant_not_allowed',
    ],
    [
      400,
      'unauthorized_client',
      'The grant type is unauthorized for this client_id',
      'grant_not_allowed',
    ],
    [400, 'invalid_client', 'The client credentials are invalid', 'client_invalid'],
    [400, 'invalid_client', 'The client credentials are not valid', 'client_invalid'],
    [
      400,
      'invalid_request',
      'Cannot obtain user token based on the enterprise configuration for your app',
      'user_tokens_not_enabled',
    ],
    [
      400,
      'invalid_request',
      'Cannot obtain token based on the enterprise configuration for your app',
      'user_tokens_not_enabled',
    ],
    [
      400,
      'invalid_request',
      'The grant type is unauthorized for this client_id',
      'grant_not_allowed',
    ],
    [
      400,
      'invalid_request',
      'Invalid grant_type parameter or parameter missing',
      'request_malformed',
    ],
    [400, 'invalid_grant', 'Grant credentials are invalid', 'grant_invalid'],
    [
      400,
      'invalid_grant',
      "Please check the 'sub' claim. The 'sub' specified is invalid.",
      'subject_refused',
    ],
    [400, 'invalid_grant', "Please check the 'iss' claim.", 'issuer_refused'],
    [
      400,
      'invalid_grant',
      'Signature verification error. The public key identified by "kid" must correspond to the private key used for signing.',
      'signature_refused',
    ],
    [400, 'invalid_grant', '"kid" invalid, unable to lookup correct key', 'key_unknown'],
    [400, 'invalid_grant', 'Something new', 'token_request_refused'],
    [404, 'not_found', '', 'token_request_refused'],
  ])(
    'has a code, a message, a hint and a document: %i %s, %s',
    async (status, error, description, code) => {
      endpoint.otherwise = refuse(endpoint, status, error, description, {
        'box-request-id': 'abc123',
      });
      const thrown = await thrownBy(() => afterAll(box().getToken()));
      expect(thrown).toMatchObject({ code, status, retryable: false, requestId: 'abc123' });
      expect(thrown.message).toContain(description);
      expect(thrown.hint.length).toBeGreaterThan(20);
      expect(thrown.docs).toMatch(/^https:\/\/developer\.box\.com\/guides\//);
      expect(endpoint.received).toHaveLength(1);
    },
  );

  it('of a subject type has a hint that names the app type first', async () => {
    endpoint.otherwise = refuse(
      endpoint,
      400,
      'unauthorized_client',
      'The "box_subject_type" value is unauthorized for this client_id',
    );
    const { hint } = await thrownBy(() => box().getToken());
    const causes = ['authentication type', 'App + Enterprise Access', 'authorize'].map((cause) =>
      hint.indexOf(cause),
    );
    expect(causes.every((at) => at >= 0)).toBe(true);
    expect(causes).toEqual(causes.toSorted((one, other) => one - other));
  });

  it.each([
    ["Please check the 'exp' claim.", 'assertion_expired'],
    [
      "Current date/time MUST be before the expiration date/time listed in the 'exp' claim",
      'assertion_expired',
    ],
    [
      "Current date/time MUST be after or equal to the not-before date/time  listed in the 'nbf' or 'iat' claim",
      'assertion_not_yet_valid',
    ],
    ["Please check the 'jti' claim.", 'assertion_replayed'],
    ["A unique 'jti' value is required.", 'assertion_replayed'],
  ])('that another assertion may fix is retried once, at once: %s', async (description, code) => {
    endpoint.otherwise = refuse(endpoint, 400, 'invalid_grant', description);
    const thrown = await thrownBy(() => afterAll(box().getToken(), 0));
    expect(thrown).toMatchObject({ code, status: 400, retryable: false });
    expect(endpoint.received).toHaveLength(2);
    expect(endpoint.received[1]?.at).toBe(endpoint.received[0]?.at);
  });

  it('is remembered for the credentials: requests are not repeated for 30 s, then for longer', async () => {
    endpoint.otherwise = refuse(
      endpoint,
      400,
      'invalid_client',
      'The client credentials are invalid',
    );
    const provider = box();
    await thrownBy(() => provider.getToken());
    await runtime.advance(29_000);
    expect(await thrownBy(() => provider.getToken())).toMatchObject({
      code: 'client_invalid',
      retryAfterMs: 1_000,
    });
    await thrownBy(() => provider.getToken({ subject: { type: 'user', id: '5' } }));
    expect(endpoint.received).toHaveLength(1);
    await runtime.advance(1_000);
    await thrownBy(() => provider.getToken());
    expect(endpoint.received).toHaveLength(2);
    await runtime.advance(59_000);
    await thrownBy(() => provider.getToken());
    expect(endpoint.received).toHaveLength(2);
    await runtime.advance(1_000);
    await thrownBy(() => provider.getToken());
    expect(endpoint.received).toHaveLength(3);
  });

  it('is forgotten at once when the credentials change', async () => {
    endpoint.script(refuse(endpoint, 400, 'invalid_client', 'The client credentials are invalid'));
    let clientSecret = 'old';
    const provider = box({ credentials: () => ({ ...credentials, clientSecret }) });
    await thrownBy(() => provider.getToken());
    await thrownBy(() => provider.getToken());
    expect(endpoint.received).toHaveLength(1);
    clientSecret = SECRET;
    await expect(provider.getToken()).resolves.toBeDefined();
  });

  it('of one subject does not affect other subjects', async () => {
    endpoint.script(refuse(endpoint, 400, 'invalid_grant', 'Grant credentials are invalid'));
    const provider = box();
    await thrownBy(() => provider.getToken({ subject: { type: 'user', id: '5' } }));
    await thrownBy(() => provider.getToken({ subject: { type: 'user', id: '5' } }));
    await expect(provider.getToken()).resolves.toBeDefined();
    expect(endpoint.received).toHaveLength(2);
  });
});

describe('A credentials function', () => {
  it('that never resolves is reported to the caller after 30 s', async () => {
    const work = thrownBy(() =>
      box({ credentials: () => new Promise(() => undefined) }).getToken(),
    );
    await runtime.advance(30_000);
    const error = await work;
    expect(error).toMatchObject({ code: 'credentials_unavailable', retryable: true });
    expect(error.message).toContain('returned no credentials within 30000 ms');
  });

  it('that fails is reported at bootstrap, before any token request', async () => {
    const fail = () => Promise.reject(new Error('sealed'));
    const start = () =>
      new BoxAuth({ credentials: fail, fetch: endpoint.fetch, runtime }).readCredentials();
    expect((await thrownBy(start)).code).toBe('credentials_unavailable');
    expect(endpoint.received).toEqual([]);
  });
});

describe('An abandoned request', () => {
  it('is aborted when the app shuts down, and the waiting caller gets an error', async () => {
    endpoint.otherwise = silence;
    const auth = new BoxAuth({ credentials, fetch: endpoint.fetch, runtime });
    const work = thrownBy(() => auth.provider.getToken());
    await settled();
    auth.close();
    expect((await work).code).toBe('closed');
    expect(endpoint.received[0]?.init.signal?.aborted).toBe(true);
    expect(runtime.timers).toBe(0);
    expect((await thrownBy(() => auth.provider.getToken())).code).toBe('closed');
  });
});

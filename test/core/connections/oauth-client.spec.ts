import { beforeEach, describe, expect, it } from 'vitest';
import {
  type AuthorizationServer,
  OAuthClient,
} from '../../../lib/core/connections/oauth-client.js';
import { reauthorizationRequired } from '../../../lib/core/connections/connection-errors.js';
import { BoxAuthError } from '../../../lib/core/errors/box-auth.error.js';
import { Secret } from '../../../lib/core/errors/secret.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';
import { ScriptedEndpoint } from '../../support/scripted-endpoint.js';
import { thrownBy } from '../../support/thrown.js';

const PERSON = { id: '11111', login: 'ann@example.com', name: 'Ann' };
const SERVER = 'https://issuer.example.com';

let runtime: FakeRuntime;
let endpoint: ScriptedEndpoint;
/** Responds to the question whose account it is. */
let personOf: AuthorizationServer['personOf'];
/** When that was asked, in milliseconds since the start of the test. */
let questions: number[];
beforeEach(() => {
  runtime = new FakeRuntime();
  endpoint = new ScriptedEndpoint(runtime);
  endpoint.otherwise = () =>
    endpoint.json(200, { access_token: 'AT', refresh_token: 'RT', expires_in: 3_600 });
  questions = [];
  personOf = async () => PERSON;
});

function clientWith(limits = {}): OAuthClient {
  const startedAt = runtime.monotonic();
  const server: AuthorizationServer = {
    name: 'Issuer',
    docs: 'https://issuer.example.com/docs',
    authorizeUrl: `${SERVER}/authorize?tenant=1`,
    tokenUrl: `${SERVER}/token`,
    revokeUrl: `${SERVER}/revoke`,
    loginHintParameter: 'hint',
    toError: ({ error, status }) =>
      error === 'invalid_grant'
        ? reauthorizationRequired(new Error('refused'))
        : errorWith({ status, retryable: status >= 500 }),
    personOf: (...args) => {
      questions.push(runtime.monotonic() - startedAt);
      return personOf(...args);
    },
  };
  const identity = {
    clientId: 'client',
    clientSecret: new Secret('the secret'),
    redirectUri: 'https://app.example.com/callback',
  };
  return new OAuthClient(server, identity, {
    limits: { timeoutMs: 10_000, attempts: 4, deadlineMs: 30_000, ...limits },
    fetch: endpoint.fetch,
    runtime,
    emit: () => undefined,
  });
}

function errorWith(details: {
  retryable: boolean;
  retryAfterMs?: number;
  status?: number;
}): BoxAuthError {
  return new BoxAuthError({
    code: details.retryable ? 'unavailable' : 'request_refused',
    message: 'No.',
    hint: 'Do.',
    docs: 'https://example.com',
    ...details,
  });
}

const formsSent = () => endpoint.received.map(({ form }) => Object.fromEntries(form));
const client = { client_id: 'client', client_secret: 'the secret' };
const never = () => new Promise<never>(() => undefined);

describe('The authorization URL', () => {
  it('has the parameters of RFC 6749 and RFC 7636, and keeps those of its address', () => {
    const url = new URL(clientWith().authorizationUrl({ state: 'S', challenge: 'C' }));
    expect(url.origin + url.pathname).toBe(`${SERVER}/authorize`);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      tenant: '1',
      response_type: 'code',
      client_id: 'client',
      redirect_uri: 'https://app.example.com/callback',
      state: 'S',
      code_challenge: 'C',
      code_challenge_method: 'S256',
    });
  });

  it('has the account to preselect and the scopes, if there are any', () => {
    const request = { state: 'S', challenge: 'C', loginHint: 'ann', scopes: ['a', 'b'] };
    const { searchParams } = new URL(clientWith().authorizationUrl(request));
    expect(searchParams.get('hint')).toBe('ann');
    expect(searchParams.get('scope')).toBe('a b');
  });
});

describe('The exchange of a code', () => {
  it('sends the code, the verifier and the secret, and asks whose account it is', async () => {
    let asked: unknown[] = [];
    personOf = async (...args) => {
      asked = args;
      return PERSON;
    };
    const { pair, person } = await clientWith().redeem('the code', 'the verifier');
    expect(formsSent()).toEqual([
      {
        ...client,
        grant_type: 'authorization_code',
        code: 'the code',
        redirect_uri: 'https://app.example.com/callback',
        code_verifier: 'the verifier',
      },
    ]);
    expect(pair).toMatchObject({ accessToken: 'AT', refreshToken: 'RT', lifetimeMs: 3_600_000 });
    expect(person).toBe(PERSON);
    expect(asked).toEqual(['AT', endpoint.fetch, expect.any(AbortSignal)]);
  });

  it('reports a refused code as an expired sign-in, because a code lives for seconds', async () => {
    endpoint.script(() => endpoint.json(400, { error: 'invalid_grant' }));
    const error = await thrownBy(() => clientWith().redeem('code', 'verifier'));
    expect(error).toMatchObject({
      code: 'state_expired',
      cause: { code: 'reauthorization_required' },
    });
    expect(questions).toEqual([]);
  });

  it('reports other refusals unchanged', async () => {
    endpoint.script(() => endpoint.json(400, { error: 'invalid_client' }));
    expect(await thrownBy(() => clientWith().redeem('code', 'verifier'))).toMatchObject({
      code: 'request_refused',
    });
  });
});

describe('The question whose account it is', () => {
  const redeem = (limits = {}) => clientWith(limits).redeem('code', 'verifier');
  const failFor = (error: unknown, times = Infinity) => {
    personOf = async () => {
      if (questions.length <= times) throw error;
      return PERSON;
    };
  };

  it.each([
    [0, [0, 0, 0]],
    [0.5, [0, 250, 750]],
    [0.9, [0, 450, 1_350]],
  ])('is repeated after growing pauses (random %d)', async (random, expected) => {
    runtime.randomValue = random;
    failFor(errorWith({ retryable: true }), 2);
    const redeemed = redeem();
    await runtime.advance(5_000);
    expect((await redeemed).person).toBe(PERSON);
    expect(questions).toEqual(expected);
    expect(formsSent()).toHaveLength(1);
  });

  it('is repeated after Retry-After', async () => {
    failFor(errorWith({ retryable: true, retryAfterMs: 3_000 }), 1);
    const redeemed = redeem();
    await runtime.advance(5_000);
    expect((await redeemed).person).toBe(PERSON);
    expect(questions).toEqual([0, 3_250]);
  });

  it.each([1, 3])('is asked %d times at most with as many attempts', async (attempts) => {
    failFor(errorWith({ retryable: true }));
    const error = thrownBy(() => redeem({ attempts }));
    await runtime.advance(30_000);
    expect(await error).toMatchObject({ code: 'unavailable' });
    expect(questions).toHaveLength(attempts);
  });

  it('is asked once if another attempt cannot help', async () => {
    failFor(errorWith({ retryable: false }));
    expect(await thrownBy(() => redeem())).toMatchObject({ code: 'request_refused' });
    expect(questions).toEqual([0]);
  });

  it('is given up at once if the pause is as long as the time that is left', async () => {
    failFor(errorWith({ retryable: true, retryAfterMs: 29_750 }));
    const error = await thrownBy(() => redeem());
    expect(error).toMatchObject({ code: 'unavailable' });
    failFor(errorWith({ retryable: true, retryAfterMs: 29_749 }), 2);
    const redeemed = redeem();
    await runtime.advance(30_000);
    expect((await redeemed).person).toBe(PERSON);
  });

  it('is repeated after a failure of the network', async () => {
    failFor(new TypeError('fetch failed', { cause: { code: 'ECONNRESET' } }), 1);
    const redeemed = redeem();
    await runtime.advance(1_000);
    expect((await redeemed).person).toBe(PERSON);
  });

  it('reports a failure of the network that lasts', async () => {
    failFor(new TypeError('fetch failed', { cause: { code: 'ECONNRESET' } }));
    const error = thrownBy(() => redeem());
    await runtime.advance(10_000);
    expect(await error).toMatchObject({ code: 'network', retryable: true });
  });

  it('is repeated after the timeout of an attempt, until the deadline', async () => {
    personOf = never;
    const error = thrownBy(() => redeem());
    await runtime.advance(30_000);
    expect(await error).toMatchObject({
      code: 'timeout',
      message: `Issuer's token endpoint ${SERVER}/token gave no response within 30 s.`,
    });
    expect(questions).toEqual([0, 10_250, 20_750]);
  });

  it('reports how long it waited if there is one attempt', async () => {
    personOf = never;
    const error = thrownBy(() => redeem({ attempts: 1 }));
    await runtime.advance(10_000);
    expect((await error).message).toMatch(/ gave no response within 10 s\.$/);
  });

  it('is asked again at once after the process was frozen', async () => {
    personOf = () => (questions.length === 1 ? never() : Promise.resolve(PERSON));
    const redeemed = redeem({ attempts: 1 });
    await settled();
    runtime.freeze(60_000);
    await runtime.advance(2_000);
    expect((await redeemed).person).toBe(PERSON);
    expect(questions).toHaveLength(2);
  });
});

describe('A refresh token', () => {
  it('is exchanged for a pair', async () => {
    const { refreshToken } = await clientWith().refresh('RT-0');
    expect(refreshToken).toBe('RT');
    expect(formsSent()).toEqual([
      { ...client, grant_type: 'refresh_token', refresh_token: 'RT-0' },
    ]);
  });

  it('is sent again while the outcome is uncertain', async () => {
    endpoint.script(
      () => endpoint.json(503, {}),
      () => endpoint.json(409, {}),
    );
    const refreshed = clientWith().refresh('RT-0');
    await runtime.advance(5_000);
    expect((await refreshed).refreshToken).toBe('RT');
    expect(formsSent().map((form) => form['refresh_token'])).toEqual(['RT-0', 'RT-0', 'RT-0']);
  });

  it('is revoked at another address', async () => {
    await clientWith().revoke('RT-0');
    expect(endpoint.received.map(({ url }) => url)).toEqual([`${SERVER}/revoke`]);
    expect(formsSent()).toEqual([{ ...client, token: 'RT-0' }]);
  });
});

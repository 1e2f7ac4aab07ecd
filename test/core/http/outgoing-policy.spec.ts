import { beforeEach, describe, expect, it } from 'vitest';
import { onAuthEvent } from 'nestjs-box-auth';
import { runInActingContext } from '../../../lib/core/acting/acting.context.js';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { OutgoingPolicy } from '../../../lib/core/http/outgoing-policy.js';
import { bodyNotReplayable } from '../../../lib/core/http/replayable-body.js';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { ScriptedEndpoint } from '../../support/scripted-endpoint.js';
import { thrownBy } from '../../support/thrown.js';

let runtime: FakeRuntime;
let endpoint: ScriptedEndpoint;
let box: BoxAuth;
let policy: OutgoingPolicy;
beforeEach(() => {
  runtime = new FakeRuntime();
  endpoint = new ScriptedEndpoint(runtime);
  box = new BoxAuth({
    credentials: { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' },
    fetch: endpoint.fetch,
    runtime,
  });
  policy = box.policy;
});

const nothing = new Headers();
const asBob = <T>(via: 'header' | 'token', work: () => T) =>
  runInActingContext({ user: { id: '22222', via } }, work);

describe('The headers of a call', () => {
  it('name the acting user for an issuer that supports acting users', async () => {
    expect(policy.issuerHeaderNames).toEqual(['as-user', 'boxapi']);
    expect(policy.protectedHeaderNames).toEqual(
      expect.arrayContaining(['authorization', 'as-user', 'boxapi']),
    );
    const given = await asBob('header', () => policy.authorize(nothing));
    expect(given?.headers).toEqual({ authorization: 'Bearer token-1-for-1', 'as-user': '22222' });
  });

  it('are only the token for an issuer without acting users', async () => {
    const plain = new OutgoingPolicy(
      box.tokens,
      {
        tokenHeader: 'X-Token',
        formatToken: (value) => value,
        refusesToken: ({ status }) => status === 401,
      },
      {
        origins: new Set(['https://api.example.com']),
        exceptPaths: /^\/token$/,
        advice: { hint: '', docs: '' },
      },
      runtime,
      { issuer: 'Acme', app: undefined },
      0,
    );
    expect(plain.issuerHeaderNames).toEqual([]);
    expect(plain.protectedHeaderNames).toContain('x-token');
    const given = await asBob('header', () => plain.authorize(nothing));
    expect(given?.headers).toEqual({ 'X-Token': 'token-1-for-1' });

    const heard: unknown[] = [];
    const stop = onAuthEvent('api-request', ({ acting }) => heard.push(acting));
    const observed = await asBob('token', () => plain.authorize(nothing));
    observed?.report?.sent(new URL('https://api.example.com/'), 'GET').responded(200);
    stop();
    expect(heard).toEqual(['app']);
  });

  it('contain the acting user’s own token in token mode', async () => {
    const given = await asBob('token', () => policy.authorize(nothing));
    expect(given?.headers).toEqual({ authorization: 'Bearer token-1-for-22222' });
  });

  it('are undefined if the caller has its own authorization', async () => {
    const own = new Headers({ Authorization: 'Bearer mine' });
    expect(await policy.authorize(own)).toBeUndefined();
  });

  it('reject when the signal of the caller aborts', async () => {
    const gone = AbortSignal.abort(new Error('gone'));
    await expect(policy.authorize(nothing, { signal: gone })).rejects.toThrow('gone');
    await expect(policy.authorize(nothing, { signal: null })).resolves.toBeDefined();
  });

  it('are refused for a foreign host, with its origin and a hint', async () => {
    const error = await thrownBy(() => policy.headersFor('https://evil.example/x?key=1'));
    expect(error.code).toBe('origin_not_allowed');
    expect(error.message).toContain('https://evil.example:');
    expect(error.message).not.toContain('key=1');
    expect(error.hint).toMatch(/`origins`/);
    expect(error.docs).toMatch(/^https:\/\/developer\.box\.com\//);
    expect(error.retryable).toBe(false);
  });

  it('are refused for a relative address, and the message says so', async () => {
    const error = await thrownBy(() => policy.headersFor('/2.0/users/me'));
    expect(error.code).toBe('origin_not_allowed');
    expect(error.message).toContain('not an absolute URL');
  });
});

describe('A token', () => {
  const isRefused = (challenge: string | null | undefined, isEmpty: boolean, status = 401) =>
    policy.isTokenRefused({ status, challenge, isEmpty: () => isEmpty });

  it.each([
    ['RFC 6750 says so', 'Bearer realm="Service", error="invalid_token"', false],
    ['the error has no quotes', 'Bearer error=invalid_token', false],
    ['a 401 has neither a challenge nor a body', null, true],
    ['a 401 has a challenge without an error, and no body', 'Bearer realm="Service"', true],
  ])('counts as refused if %s', async (_, challenge, isEmpty) => {
    expect(await isRefused(challenge, isEmpty)).toBe(true);
  });

  it.each([
    ['another error is named', 'Bearer error="insufficient_scope"', true],
    ['another error is named without quotes', 'Bearer error=invalid_request', true],
    [
      'the request carried no token',
      'Bearer realm="Service", error="invalid_request", error_description="The access token was not found."',
      true,
    ],
    ['a 401 has a body and a challenge without an error', 'Bearer realm="Service"', false],
    ['a 401 has a body and no challenge', undefined, false],
    ['only the description names the error', 'Bearer error_description="invalid_token"', false],
  ])('does not count as refused if %s', async (_, challenge, isEmpty) => {
    expect(await isRefused(challenge, isEmpty)).toBe(false);
  });

  it.each([200, 400, 403, 407, 500])(
    'does not count as refused with status %i, whatever the challenge is',
    async (status) => {
      expect(await isRefused('Bearer error="invalid_token"', true, status)).toBe(false);
    },
  );
});

describe('After a refused token', () => {
  it('a call gets another token and keeps its acting user', async () => {
    const sent = await asBob('header', () => policy.authorize(nothing));
    if (sent === undefined) throw new Error('no headers');
    expect((await policy.reauthorize(sent)).headers).toEqual({
      authorization: 'Bearer token-2-for-1',
      'as-user': '22222',
    });
  });

  it('the wait for another token ends with the signal of the caller', async () => {
    const sent = await policy.authorize(nothing);
    if (sent === undefined) throw new Error('no headers');
    const gone = AbortSignal.abort(new Error('gone'));
    await expect(policy.reauthorize(sent, { signal: gone })).rejects.toThrow('gone');
    await expect(policy.reauthorize(sent, { signal: null })).resolves.toBeDefined();
  });

  it('the next call gets another token if the replay was refused, too', async () => {
    const sent = await policy.authorize(nothing);
    if (sent === undefined) throw new Error('no headers');
    policy.invalidate(sent);
    expect((await policy.authorize(nothing))?.token).not.toBe(sent.token);
  });

  it('the error about a consumed body names the reason and the bodies that can be repeated', () => {
    const error = bodyNotReplayable('a stream');
    expect(error).toMatchObject({ code: 'body_not_replayable', status: 401, retryable: true });
    expect(error.message).toMatch(/refused.*cannot be repeated.*stream/);
    expect(error.hint).toMatch(/new stream.*string.*Buffer.*Blob.*FormData/);
    expect(error.docs).toMatch(/^https:\/\/fetch\.spec\.whatwg\.org\/#/);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { runInActingContext } from '../../../lib/core/acting/acting-user.context.js';
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
  it('are those of an issuer that knows acting users', async () => {
    expect(policy.issuerHeaderNames).toEqual(['as-user', 'boxapi']);
    expect(policy.protectedHeaderNames).toEqual(
      expect.arrayContaining(['authorization', 'as-user', 'boxapi']),
    );
    const given = await asBob('header', () => policy.authorize(nothing));
    expect(given?.headers).toEqual({ authorization: 'Bearer token-1-for-1', 'as-user': '22222' });
  });

  it('are the token alone for an issuer that knows none, whoever is acted for', async () => {
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
    );
    expect(plain.issuerHeaderNames).toEqual([]);
    expect(plain.protectedHeaderNames).toContain('x-token');
    const given = await asBob('header', () => plain.authorize(nothing));
    expect(given?.headers).toEqual({ 'X-Token': 'token-1-for-1' });
  });

  it('are of the token of a user who is acted for by token', async () => {
    const given = await asBob('token', () => policy.authorize(nothing));
    expect(given?.headers).toEqual({ authorization: 'Bearer token-1-for-22222' });
  });

  it('are none of ours where the caller has its own authorization', async () => {
    const own = new Headers({ Authorization: 'Bearer mine' });
    expect(await policy.authorize(own)).toBeUndefined();
  });

  it('are awaited no longer than the caller wants', async () => {
    const gone = AbortSignal.abort(new Error('gone'));
    await expect(policy.authorize(nothing, { signal: gone })).rejects.toThrow('gone');
    await expect(policy.authorize(nothing, { signal: null })).resolves.toBeDefined();
  });

  it('are refused for a host that gets none: by its origin, and with what can be done', async () => {
    const error = await thrownBy(() => policy.headersFor('https://evil.example/x?key=1'));
    expect(error.code).toBe('origin_not_allowed');
    expect(error.message).toContain('https://evil.example:');
    expect(error.message).not.toContain('key=1');
    expect(error.hint).toMatch(/`origins`/);
    expect(error.docs).toMatch(/^https:\/\/developer\.box\.com\//);
    expect(error.retryable).toBe(false);
  });

  it('are refused for what names no host, which is said', async () => {
    const error = await thrownBy(() => policy.headersFor('/2.0/users/me'));
    expect(error.code).toBe('origin_not_allowed');
    expect(error.message).toContain('not an absolute URL');
  });
});

describe('A token counts as refused', () => {
  const isRefused = (challenge: string | null | undefined, isEmpty: boolean, status = 401) =>
    policy.isTokenRefused({ status, challenge, isEmpty: () => isEmpty });

  it.each([
    ['RFC 6750 says so', 'Bearer realm="Service", error="invalid_token"', false],
    ['it is said without quotes', 'Bearer error=invalid_token', false],
    ['a 401 says nothing at all', null, true],
    ['a challenge says nothing, nor the body', 'Bearer realm="Service"', true],
  ])('if %s', async (_, challenge, isEmpty) => {
    expect(await isRefused(challenge, isEmpty)).toBe(true);
  });

  it.each([
    ['another error is named', 'Bearer error="insufficient_scope"', true],
    ['another error is named without quotes', 'Bearer error=invalid_request', true],
    [
      'no token arrived',
      'Bearer realm="Service", error="invalid_request", error_description="The access token was not found."',
      true,
    ],
    ['the body says something, and the challenge does not', 'Bearer realm="Service"', false],
    ['the body says something, without a challenge', undefined, false],
    ['only the description names the error', 'Bearer error_description="invalid_token"', false],
  ])('not if %s', async (_, challenge, isEmpty) => {
    expect(await isRefused(challenge, isEmpty)).toBe(false);
  });

  it.each([200, 400, 403, 407, 500])('not with status %i, whatever is said', async (status) => {
    expect(await isRefused('Bearer error="invalid_token"', true, status)).toBe(false);
  });
});

describe('After a refusal', () => {
  it('a call gets another token, and stays of the same acting user', async () => {
    const sent = await asBob('header', () => policy.authorize(nothing));
    if (sent === undefined) throw new Error('no headers');
    expect((await policy.reauthorize(sent)).headers).toEqual({
      authorization: 'Bearer token-2-for-1',
      'as-user': '22222',
    });
  });

  it('the other token is awaited no longer than the caller wants', async () => {
    const sent = await policy.authorize(nothing);
    if (sent === undefined) throw new Error('no headers');
    const gone = AbortSignal.abort(new Error('gone'));
    await expect(policy.reauthorize(sent, { signal: gone })).rejects.toThrow('gone');
    await expect(policy.reauthorize(sent, { signal: null })).resolves.toBeDefined();
  });

  it('that cannot be followed by a second try, the next call gets another token', async () => {
    const sent = await policy.authorize(nothing);
    if (sent === undefined) throw new Error('no headers');
    policy.invalidate(sent);
    expect((await policy.authorize(nothing))?.token).not.toBe(sent.token);
  });

  it('of a call whose body is gone, the caller reads why, and which bodies are better', () => {
    const error = bodyNotReplayable();
    expect(error).toMatchObject({ code: 'body_not_replayable', status: 401, retryable: true });
    expect(error.message).toMatch(/refused.*cannot be repeated.*stream/);
    expect(error.hint).toMatch(/new stream.*string.*Buffer.*Blob.*FormData/);
    expect(error.docs).toMatch(/^https:\/\/fetch\.spec\.whatwg\.org\/#/);
  });
});

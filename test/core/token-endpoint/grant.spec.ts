import { describe, expect, it } from 'vitest';
import { accessTokenGrant } from '../../../lib/core/token-endpoint/grant.js';
import { UnusableResponse } from '../../../lib/core/token-endpoint/token-request.js';

const subject = { type: 'enterprise', id: '1' } as const;
const requestedAt = { wall: 1_000, monotonic: 50 };

const respond = (body: string, type = 'application/json', status = 200) =>
  new Response(body, { status, headers: { 'content-type': type } });
const granting = (fields: object) => respond(JSON.stringify({ access_token: 'abc', ...fields }));

const read = (response: Response) =>
  accessTokenGrant(async () => ({}), subject).read(response, {
    requestedAt,
    serverOffsetMs: 20_000,
  });

/** Why the response cannot be used. */
async function reason(response: Response): Promise<string> {
  const error: unknown = await read(response).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(UnusableResponse);
  return String(error);
}

describe('An access token grant', () => {
  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON',
    'application/vnd.box.token+json',
  ])('reads a response of type %s', async (type) => {
    const minted = await read(respond('{"access_token":"abc"}', type));
    expect(minted).toEqual({
      token: expect.objectContaining({
        subject,
        expiresAt: undefined,
        scopes: undefined,
        restrictedTo: undefined,
      }),
      lifetimeMs: undefined,
      requestedAt,
      isShared: false,
    });
    expect(minted.token.value).toBe('abc');
  });

  it.each(['text/html', 'text/plain; was=application/json', 'application/jsonp', '+json'])(
    'rejects a response of type %s with any body',
    async (type) => {
      expect(await reason(respond('{"access_token":"abc"}', type))).toContain('not a JSON object');
    },
  );

  it.each(['', 'null', '5', '"abc"', '["abc"]', '{"access_token":'])(
    'rejects a body that is not a JSON object: %s',
    async (body) => {
      expect(await reason(respond(body))).toContain('not a JSON object');
    },
  );

  it('rejects a response without a body', async () => {
    expect(await reason(new Response(null, { status: 204 }))).toContain('not a JSON object');
  });

  it.each([
    ['missing', {}],
    ['empty', { access_token: '' }],
    ['an object', { access_token: {} }],
    ['two words', { access_token: 'abc def' }],
    ['longer than 8192 characters', { access_token: 'a'.repeat(8193) }],
  ])('rejects an access_token that is %s', async (_, body) => {
    expect(await reason(respond(JSON.stringify(body)))).toContain('access_token');
  });

  it('accepts an access_token of 8192 characters', async () => {
    const { token } = await read(granting({ access_token: 'a'.repeat(8192) }));
    expect(token.value).toBe('a'.repeat(8192));
  });

  it('reads responses of up to 65,536 bytes', async () => {
    const sized = (bytes: number) => respond('{"access_token":"abc"}'.padEnd(bytes));
    expect((await read(sized(65_536))).token.value).toBe('abc');
    expect(await reason(sized(65_537))).toContain('larger than 65536 bytes');
  });

  it.each([
    [3600, 3_600_000],
    ['3600', 3_600_000],
    [1_000_000_000, 1_000_000_000_000],
    [1_000_000_001, undefined],
    [0, undefined],
    [-1, undefined],
    ['soon', undefined],
    [null, undefined],
  ])('reads expires_in %j as a lifetime of %s milliseconds', async (seconds, lifetimeMs) => {
    const minted = await read(granting({ expires_in: seconds }));
    expect(minted.lifetimeMs).toBe(lifetimeMs);
    expect(minted.token.expiresAt).toBe(
      lifetimeMs === undefined ? undefined : requestedAt.wall + 20_000 + lifetimeMs,
    );
  });

  it.each([
    ['item_preview', ['item_preview']],
    ['item_preview item_upload', ['item_preview', 'item_upload']],
    ['', undefined],
    [7, undefined],
    [null, undefined],
  ])('reads scope %j as the scopes %j', async (scope, scopes) => {
    expect((await read(granting({ scope }))).token.scopes).toEqual(scopes);
  });

  it.each([
    [[{ scope: 'item_preview' }], [{ scope: 'item_preview' }]],
    [[], undefined],
    ['item_preview', undefined],
    [null, undefined],
  ])('reads restricted_to %j as the restrictions %j', async (given, restrictedTo) => {
    expect((await read(granting({ restricted_to: given }))).token.restrictedTo).toEqual(
      restrictedTo,
    );
  });
});

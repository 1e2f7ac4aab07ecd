import { describe, expect, it } from 'vitest';
import {
  readGrant,
  readRefusal,
  UnusableAnswer,
} from '../../../lib/core/token-endpoint/token-request.js';

const answer = (body: string, type = 'application/json', status = 200) =>
  new Response(body, { status, headers: { 'content-type': type } });
const granting = (fields: object) => answer(JSON.stringify({ access_token: 'abc', ...fields }));

/** Why the answer is of no use. */
async function reason(response: Response): Promise<string> {
  const error: unknown = await readGrant(response).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(UnusableAnswer);
  return String(error);
}

describe('A grant is read', () => {
  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON',
    'application/vnd.box.token+json',
  ])('out of %s', async (type) => {
    expect(await readGrant(answer('{"access_token":"abc"}', type))).toEqual({
      value: 'abc',
      lifetimeMs: undefined,
      scopes: undefined,
      restrictedTo: undefined,
    });
  });

  it.each(['text/html', 'text/plain; was=application/json', 'application/jsonp', '+json'])(
    'not out of %s, whatever it holds',
    async (type) => {
      expect(await reason(answer('{"access_token":"abc"}', type))).toContain('not a JSON object');
    },
  );

  it.each(['', 'null', '5', '"abc"', '["abc"]', '{"access_token":'])(
    'not out of what is no JSON object: %s',
    async (body) => {
      expect(await reason(answer(body))).toContain('not a JSON object');
    },
  );

  it('not out of an answer without a body', async () => {
    expect(await reason(new Response(null, { status: 204 }))).toContain('not a JSON object');
  });

  it.each([
    ['missing', {}],
    ['empty', { access_token: '' }],
    ['an object', { access_token: {} }],
    ['two words', { access_token: 'abc def' }],
    ['longer than 8192 characters', { access_token: 'a'.repeat(8193) }],
  ])('not if the token is %s', async (_, body) => {
    expect(await reason(answer(JSON.stringify(body)))).toContain('access_token');
  });

  it('with a token of 8192 characters', async () => {
    expect(await readGrant(granting({ access_token: 'a'.repeat(8192) }))).toMatchObject({
      value: 'a'.repeat(8192),
    });
  });

  it('up to 65,536 bytes', async () => {
    const sized = (bytes: number) => answer('{"access_token":"abc"}'.padEnd(bytes));
    expect((await readGrant(sized(65_536))).value).toBe('abc');
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
  ])('with expires_in %j as a lifetime of %s milliseconds', async (seconds, lifetimeMs) => {
    expect((await readGrant(granting({ expires_in: seconds }))).lifetimeMs).toBe(lifetimeMs);
  });

  it.each([
    ['item_preview', ['item_preview']],
    ['item_preview item_upload', ['item_preview', 'item_upload']],
    ['', undefined],
    [7, undefined],
    [null, undefined],
  ])('with scope %j as the scopes %j', async (scope, scopes) => {
    expect((await readGrant(granting({ scope }))).scopes).toEqual(scopes);
  });

  it.each([
    [[{ scope: 'item_preview' }], [{ scope: 'item_preview' }]],
    [[], undefined],
    ['item_preview', undefined],
    [null, undefined],
  ])('with restricted_to %j as the restrictions %j', async (given, restrictedTo) => {
    expect((await readGrant(granting({ restricted_to: given }))).restrictedTo).toEqual(
      restrictedTo,
    );
  });
});

describe('A refusal is read', () => {
  const read = (body: unknown, type?: string) =>
    readRefusal(answer(JSON.stringify(body), type, 400), ['the-secret'], 7_000);

  it.each([
    ['as RFC 6749 has it', { error: 'invalid_client', error_description: 'No such client' }],
    ['as the API of Box has it', { code: 'invalid_client', message: 'No such client' }],
    [
      'as RFC 6749 has it, where both are there',
      {
        error: 'invalid_client',
        error_description: 'No such client',
        code: 'other',
        message: 'Other',
      },
    ],
  ])('%s', async (_, body) => {
    expect(await read(body)).toMatchObject({
      status: 400,
      error: 'invalid_client',
      description: 'No such client',
      retryAfterMs: 7_000,
    });
  });

  it('without what is secret in its words', async () => {
    const { error, description, shown } = await read({ error: 'a the-secret', message: 'b' });
    expect([error, description].map((part) => shown(part ?? ''))).toEqual(['a [redacted]', 'b']);
  });

  it.each([
    ['is not JSON', { error: 'x', message: 'y' }, 'text/html'],
    ['is a list', ['x'], undefined],
    ['is too long', { error: 'x', message: 'y', more: ' '.repeat(70_000) }, undefined],
    ['has other fields', { error: { code: 5 }, message: ['y'] }, undefined],
  ])('by its status alone if the body %s', async (_, body, type) => {
    expect(await read(body, type)).toMatchObject({
      status: 400,
      error: undefined,
      description: undefined,
    });
  });
});

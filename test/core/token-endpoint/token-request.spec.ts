import { describe, expect, it } from 'vitest';
import { readErrorResponse } from '../../../lib/core/token-endpoint/token-request.js';

const answer = (body: string, type = 'application/json', status = 200) =>
  new Response(body, { status, headers: { 'content-type': type } });
describe('A refusal is read', () => {
  const read = (body: unknown, type?: string) =>
    readErrorResponse(answer(JSON.stringify(body), type, 400), ['the-secret'], 7_000);

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

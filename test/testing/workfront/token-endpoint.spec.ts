import { type WorkfrontEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { request, stringIn, tokenIn } from '../box/box-client.js';
import {
  clientOf,
  EXCHANGE,
  lastReason,
  makeJwt,
  postForm,
  postJwt,
  startWorkfront,
} from './workfront-fixture.js';

const INVALID_REQUEST = { error: 'invalid_request', error_description: 'Invalid request' };

let emulator: WorkfrontEmulator;
beforeEach(async () => {
  ({ emulator } = await startWorkfront());
});
afterEach(() => emulator.stop());

describe('The exchange responds', () => {
  test('with a session without expiry', async () => {
    const response = await postJwt(emulator);
    expect(response).toMatchObject({ status: 200 });
    expect(response.json).toEqual({
      token_type: 'sessionID',
      access_token: expect.stringMatching(/^[0-9a-f]{32}$/),
      refresh_token: expect.stringMatching(/^[0-9a-f]{32}$/),
      wid: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('box-request-id')).toBeNull();
    expect(emulator.refusals).toEqual([]);
    expect(emulator.mints).toBe(1);
  });

  test.each([0, 900])('with an expires_in of %i if it is configured', async (lifetimeS) => {
    emulator.sessionLifetimeS = lifetimeS;
    expect(await postJwt(emulator)).toMatchObject({ json: { expires_in: lifetimeS } });
    emulator.sessionLifetimeS = null;
    expect((await postJwt(emulator)).json).not.toHaveProperty('expires_in');
  });

  test('with a new session each time, and the same wid', async () => {
    const responses = [await postJwt(emulator), await postJwt(emulator)];
    expect(new Set(responses.map(tokenIn)).size).toBe(2);
    expect(new Set(responses.map((response) => stringIn(response, 'refresh_token'))).size).toBe(2);
    expect(new Set(responses.map((response) => stringIn(response, 'wid'))).size).toBe(1);
  });
});

describe('The exchange rejects', () => {
  test.each(['client_id', 'client_secret', 'jwt_token'])('a form without %s', async (name) => {
    expect(await postJwt(emulator, undefined, { [name]: '' })).toMatchObject({
      status: 400,
      json: INVALID_REQUEST,
    });
    expect(lastReason(emulator)).toBe('missing-field');
  });

  test.each(['grant_type', 'assertion', 'scope'])('a form with %s', async (name) => {
    const fields = { [name]: 'urn:ietf:params:oauth:grant-type:jwt-bearer' };
    expect(await postJwt(emulator, undefined, fields)).toMatchObject({
      status: 400,
      json: INVALID_REQUEST,
    });
    expect(emulator.refusals).toEqual([
      {
        target: 'exchange',
        reason: 'unknown-field',
        detail: `The form must not have the field ${name}.`,
        status: 400,
      },
    ]);
  });

  test.each(['client_id', 'client_secret', 'jwt_token'])('%s twice', async (name) => {
    const fields = new URLSearchParams({
      ...clientOf(emulator),
      jwt_token: await makeJwt(emulator),
    });
    fields.append(name, fields.get(name) ?? '');
    expect(await postForm(emulator, fields)).toMatchObject({ status: 400, json: INVALID_REQUEST });
    expect(lastReason(emulator)).toBe('repeated-field');
  });

  test.each([
    ['another client id', { client_id: 'someone-else' }],
    ['another client secret', { client_secret: 'guessed' }],
  ])('%s', async (_what, changes) => {
    expect(await postJwt(emulator, undefined, changes)).toMatchObject({
      status: 401,
      json: { error: 'invalid_client' },
    });
    expect(lastReason(emulator)).toBe('client');
  });

  test('the customer id instead of the client id', async () => {
    const { customerId } = emulator.credentials;
    expect(await postJwt(emulator, undefined, { client_id: customerId })).toMatchObject({
      status: 401,
    });
    expect(lastReason(emulator)).toBe('client');
  });

  test('any method but POST', async () => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const response = await request(emulator.url + EXCHANGE, { method });
      expect(response).toMatchObject({ status: 405, json: { error: 'invalid_request' } });
      expect(response.headers.get('allow')).toBe('POST');
      expect(lastReason(emulator)).toBe('method');
    }
  });

  test.each(['authorization', 'sessionID'])('the header %s', async (name) => {
    const fields = { ...clientOf(emulator), jwt_token: await makeJwt(emulator) };
    const response = await postForm(emulator, fields, { headers: { [name]: 'any' } });
    expect(response).toMatchObject({ status: 400, json: INVALID_REQUEST });
    expect(lastReason(emulator)).toBe('credential-header');
  });

  test('fields in the URL', async () => {
    const fields = { ...clientOf(emulator), jwt_token: await makeJwt(emulator) };
    const query = new URLSearchParams(fields).toString();
    const response = await request(`${emulator.url}${EXCHANGE}?${query}`, { method: 'POST' });
    expect(response).toMatchObject({ status: 400, json: INVALID_REQUEST });
    expect(lastReason(emulator)).toBe('query');
  });

  test('JSON', async () => {
    const fields = { ...clientOf(emulator), jwt_token: await makeJwt(emulator) };
    const headers = { 'content-type': 'application/json' };
    const response = await postForm(emulator, {}, { headers, body: JSON.stringify(fields) });
    expect(response).toMatchObject({ status: 400, json: INVALID_REQUEST });
    expect(lastReason(emulator)).toBe('content-type');
  });

  test('more than 64 KiB', async () => {
    const response = await postJwt(emulator, 'x'.repeat(64 * 1024));
    expect(response).toMatchObject({ status: 413, json: { error: 'invalid_request' } });
    expect(lastReason(emulator)).toBe('too-large');
  });

  test('a valid request at any other path', async () => {
    const body = new URLSearchParams({
      ...clientOf(emulator),
      jwt_token: await makeJwt(emulator),
    });
    for (const path of ['/oauth2/token', '/integrations/oauth2/api/v1/token']) {
      const response = await request(emulator.url + path, { method: 'POST', body });
      expect(response).toMatchObject({ status: 404, json: { error: { message: 'Not found' } } });
    }
    expect(emulator.mints).toBe(0);
  });

  test('without repeating what it received', async () => {
    const { clientSecret } = emulator.credentials;
    const jwt = await makeJwt(emulator, { claims: { iss: emulator.credentials.clientId } });
    const response = await postJwt(emulator, jwt);
    await postJwt(emulator, jwt, { client_id: 'someone-else' });
    const told = `${response.text} ${JSON.stringify(emulator.refusals)}`;
    for (const secret of [clientSecret, ...jwt.split('.')]) expect(told).not.toContain(secret);
  });
});

import { createPrivateKey, createPublicKey } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DownscopeRequest } from 'nestjs-box-auth';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { systemRuntime } from '../../lib/core/runtime/runtime.js';
import { settled } from '../support/fake-runtime.js';
import { thrownBy } from '../support/thrown.js';

let emulator: BoxEmulator;
let box: BoxAuth;
let fileId: string;
beforeAll(async () => {
  emulator = await BoxEmulator.start();
  fileId = emulator.addFile({ name: 'plan.txt', content: 'Plan', ownerId: '11111' }).id;
});
beforeEach(() => {
  emulator.clearRequests();
  box = new BoxAuth({ credentials: { config: emulator.config }, apiUrl: emulator.url });
});
afterAll(() => emulator.stop());

const file = () => `https://api.box.com/2.0/files/${fileId}`;
const alice = { type: 'user', id: '11111' } as const;
const read = (token: string, path: string) =>
  fetch(`${emulator.url}${path}`, { headers: { authorization: `Bearer ${token}` } });

describe('A downscoped token', () => {
  it('has only the requested rights', async () => {
    const token = await box.provider.downscope({
      scopes: ['base_preview'],
      resource: file(),
      subject: alice,
    });
    expect(token.subject).toEqual(alice);
    expect(token.restrictedTo).toHaveLength(1);
    expect((await read(token.value, `/2.0/files/${fileId}`)).status).toBe(200);
    expect((await read(token.value, '/2.0/folders/0/items')).status).toBe(403);
    expect(emulator.tokenRequests.at(-1)?.body).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: (await box.provider.getToken({ subject: alice })).value,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      scope: 'base_preview',
      resource: file(),
    });
  });

  it('is derived from a token of the acting user', async () => {
    const make = () => box.provider.downscope({ scopes: ['base_preview'], resource: file() });
    expect((await box.provider.runAs('11111', make)).subject).toEqual(alice);
    expect((await thrownBy(() => box.provider.runAs('22222', make))).code).toBe('resource_refused');
    expect((await thrownBy(make)).code).toBe('resource_refused');
  });

  it('is derived from a token of the acting user if `subject` is undefined', async () => {
    const request: DownscopeRequest = { scopes: ['base_preview'], subject: undefined };
    const token = await box.provider.runAs('11111', () => box.provider.downscope(request));
    expect(token.subject).toEqual(alice);
  });

  it('stops waiting when the caller aborts or the app closes', async () => {
    await box.provider.getToken();
    emulator.failNext('token', { kind: 'hang' }, 2);
    const controller = new AbortController();
    const given = box.provider.downscope({ scopes: ['base_preview'], signal: controller.signal });
    controller.abort(new Error('gone'));
    await expect(given).rejects.toThrow('gone');
    const closed = thrownBy(() => box.provider.downscope({ scopes: ['base_preview'] }));
    await settled();
    box.close();
    expect((await closed).code).toBe('closed');
    emulator.heal();
  });

  describe('for an actor', () => {
    const request = { scopes: ['annotation_edit'], actor: { id: 'reader-7', name: 'Ada' } };
    const sent = () => emulator.tokenRequests.at(-1)?.body as Record<string, string>;

    it('sends an actor token that is signed with the key of the app', async () => {
      await box.provider.downscope(request);
      expect(sent()).toMatchObject({
        actor_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      });
      const { boxAppSettings } = emulator.config;
      const { privateKey, passphrase } = boxAppSettings.appAuth;
      const key = createPublicKey(createPrivateKey({ key: privateKey, passphrase }));
      const { payload, protectedHeader } = await jwtVerify(sent()['actor_token'] ?? '', key, {
        audience: 'https://api.box.com/oauth2/token',
      });
      expect(protectedHeader).toEqual({
        alg: 'RS256',
        kid: boxAppSettings.appAuth.publicKeyID,
        typ: 'JWT',
      });
      expect(payload).toEqual({
        iss: boxAppSettings.clientID,
        sub: 'reader-7',
        box_sub_type: 'external',
        name: 'Ada',
        aud: 'https://api.box.com/oauth2/token',
        jti: expect.stringMatching(/^.{16,128}$/),
        exp: expect.any(Number),
      });
    });

    it('signs a new actor token for every attempt', async () => {
      box = new BoxAuth({
        credentials: { config: emulator.config },
        apiUrl: emulator.url,
        runtime: { ...systemRuntime, random: () => 0 }, // no pause before a retry
      });
      await box.provider.getToken();
      emulator.failNext('token', { kind: 'status', status: 503 });
      await box.provider.downscope(request);
      const claims = emulator.tokenRequests
        .slice(-2)
        .map(({ body }) => decodeJwt((body as Record<string, string>)['actor_token'] ?? ''));
      expect(new Set(claims.map(({ jti }) => jti)).size).toBe(2);
      expect(new Set(claims.map(({ exp }) => exp)).size).toBe(2);
    });

    it('sends an unsecured actor token if the app has no key', async () => {
      const { clientID: clientId, clientSecret } = emulator.config.boxAppSettings;
      const { enterpriseID: enterpriseId } = emulator.config;
      box = new BoxAuth({
        credentials: { clientId, clientSecret, enterpriseId },
        apiUrl: emulator.url,
      });
      await box.provider.downscope(request);
      expect(decodeProtectedHeader(sent()['actor_token'] ?? '').alg).toBe('none');
      expect(decodeJwt(sent()['actor_token'] ?? '').sub).toBe('reader-7');
    });

    it.each([
      ['no id', { id: '', name: 'Ada' }],
      ['no name', { id: '7', name: '' }],
    ])('rejects an incomplete actor: %s', async (_, actor) => {
      const error = await thrownBy(() => box.provider.downscope({ ...request, actor }));
      expect(error.code).toBe('downscope_invalid');
      expect(emulator.requests).toEqual([]);
    });

    it('rejects an actor that is not an object', async () => {
      const bad = { ...request, actor: null } as unknown as DownscopeRequest;
      expect((await thrownBy(() => box.provider.downscope(bad))).code).toBe('downscope_invalid');
    });

    it('is not supported for a developer token', async () => {
      box = new BoxAuth({ credentials: { developerToken: 'a-token' }, apiUrl: emulator.url });
      expect((await thrownBy(() => box.provider.downscope(request))).code).toBe(
        'downscope_invalid',
      );
      expect(emulator.requests).toEqual([]);
    });
  });

  it('is a new token for each call and is never cached', async () => {
    const request: DownscopeRequest = { scopes: ['item_preview', 'item_download'], subject: alice };
    const tokens = [await box.provider.downscope(request), await box.provider.downscope(request)];
    expect(tokens[0]?.value).not.toBe(tokens[1]?.value);
    expect(tokens.map(({ value }) => value)).not.toContain(
      (await box.provider.getToken({ subject: alice })).value,
    );
  });

  it('is derived from a new token if the old one was revoked', async () => {
    await box.provider.getToken();
    emulator.revokeAllTokens();
    await expect(box.provider.downscope({ scopes: ['item_preview'] })).resolves.toBeDefined();
    expect(emulator.tokenRequests).toHaveLength(4);
  });

  it.each([
    ['no scope', { scopes: [] }],
    ['a scope with a space', { scopes: ['item_preview item_upload'] }],
    [
      'a resource and a shared link',
      { scopes: ['item_preview'], resource: 'https://a.example', sharedLink: 'https://b.example' },
    ],
    ['a resource that is no address', { scopes: ['item_preview'], resource: '12345' }],
  ])('is not requested with %s', async (_, request) => {
    expect((await thrownBy(() => box.provider.downscope(request))).code).toBe('downscope_invalid');
    expect(emulator.requests).toEqual([]);
  });

  it('fails with the error of Box', async () => {
    await box.provider.getToken();
    emulator.failNext('token', {
      kind: 'refuse',
      error: 'invalid_scope',
      errorDescription: 'The requested scope is invalid.',
    });
    expect((await thrownBy(() => box.provider.downscope({ scopes: ['nonsense'] }))).code).toBe(
      'scope_refused',
    );
  });
});

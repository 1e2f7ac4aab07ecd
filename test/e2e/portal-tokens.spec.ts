import { describe, expect, test } from 'vitest';
import { ALICE, entriesIn, PLATFORMS, startPortal } from './portal-fixture.js';
import { seededBytes } from './seeded-random.js';

const CALLS = 1000;
/** The default of `replayBufferBytes`. */
const REPLAY_BUFFER_BYTES = 8 * 1024 * 1024;
const upload = { as: 'alice', method: 'POST', body: new Uint8Array(seededBytes(4, 3_000_000)) };

describe.each(PLATFORMS)('The portal on %s', { timeout: 60_000 }, (platform) => {
  test('sends one token request for 1,000 concurrent first calls', async () => {
    // No timeout until all calls have arrived.
    const tokenEndpoint = { timeoutMs: 60_000, deadlineMs: 60_000 };
    const { app, ask, emulator } = await startPortal(platform, { box: { tokenEndpoint } });
    // Box holds the first token request until all calls have arrived.
    const haveAllCome = new Promise<void>((resolve) => {
      let count = 0;
      app.getHttpServer().on('request', () => {
        count += 1;
        if (count === CALLS) resolve();
      });
    });
    emulator.always('token', { kind: 'hold', until: haveAllCome });

    const responses = await Promise.all(
      Array.from({ length: CALLS }, (_none, index) =>
        ask(index % 2 === 0 ? '/api/whoami' : '/api/me', { as: 'alice' }),
      ),
    );
    expect(responses.filter(({ status }) => status === 200)).toHaveLength(CALLS);
    expect(emulator.apiRequests).toHaveLength(CALLS);
    expect(emulator.tokenRequests).toHaveLength(1);
    expect(emulator.mints).toBe(1);
  });

  test('sends no token request before the first call', async () => {
    const { ask, emulator } = await startPortal(platform);
    await ask('/');
    await ask('/api/me');
    expect(emulator.tokenRequests).toHaveLength(0);
  });

  test.each([
    ['me', '/api/me'],
    ['a folder', '/api/folders/0/items'],
  ])('serves %s after a revocation, with one more token request', async (_what, path) => {
    const { ask, emulator } = await startPortal(platform);
    const before = await ask(path, { as: 'alice' });
    emulator.revokeAllTokens();
    const after = await ask(path, { as: 'alice' });
    expect(after).toMatchObject({ status: 200, json: before.json });
    expect(emulator.tokenRequests).toHaveLength(2);
    expect(emulator.apiRequests.map(({ status, actingUser }) => [status, actingUser])).toEqual([
      [200, ALICE.id],
      [401, ALICE.id],
      [200, ALICE.id],
    ]);
  });

  test('downloads after a revocation, with one more token request', async () => {
    const { ask, emulator } = await startPortal(platform);
    const content = seededBytes(5, 3_000_000);
    const file = emulator.addFile({ name: 'a.bin', content, ownerId: ALICE.id });
    await ask('/api/me', { as: 'alice' });
    emulator.revokeAllTokens();
    const { status, bytes } = await ask(`/api/files/${file.id}/content`, { as: 'alice' });
    expect(status).toBe(200);
    expect(bytes.equals(content)).toBe(true);
    expect(emulator.tokenRequests).toHaveLength(2);
  });

  test('sends one more token request when a revocation hits 100 concurrent calls', async () => {
    const { ask, emulator } = await startPortal(platform);
    await ask('/api/me', { as: 'alice' });
    emulator.revokeAllTokens();
    const responses = await Promise.all(
      Array.from({ length: 100 }, () => ask('/api/me', { as: 'alice' })),
    );
    expect(responses.filter(({ status }) => status === 200)).toHaveLength(100);
    expect(emulator.tokenRequests).toHaveLength(2);
  });

  test('repeats an upload after a revocation', async () => {
    const { ask, emulator } = await startPortal(platform);
    await ask('/api/me', { as: 'alice' });
    emulator.revokeAllTokens();
    const response = await ask('/api/files?name=a.bin', upload);
    expect(response.status).toBe(201);
    expect(entriesIn(response)).toMatchObject([{ size: upload.body.length }]);
    expect(emulator.tokenRequests).toHaveLength(2);
  });

  test('fails one long upload after a revocation, says so, and accepts the next', async () => {
    const { ask, emulator } = await startPortal(platform);
    await ask('/api/me', { as: 'alice' });
    emulator.revokeAllTokens();
    const long = { ...upload, body: Buffer.alloc(REPLAY_BUFFER_BYTES + 1024 * 1024) };
    expect(await ask('/api/files?name=a.bin', long)).toMatchObject({
      status: 503,
      json: {
        statusCode: 503,
        error: 'Service Unavailable',
        message: 'The upload was interrupted. Please send the file again.',
      },
    });
    const second = await ask('/api/files?name=a.bin', long);
    expect(second.status).toBe(201);
    expect(entriesIn(second)).toMatchObject([{ size: long.body.length }]);
    expect(emulator.tokenRequests).toHaveLength(2);
  });

  test('returns a token for one file, downscoped from the user’s token', async () => {
    const { ask, emulator } = await startPortal(platform);
    const { id } = emulator.addFile({ name: 'a.txt', content: 'Hello', ownerId: ALICE.id });
    const { status, json, headers } = await ask(`/api/files/${id}/preview-token`, {
      as: 'alice',
      method: 'POST',
    });
    expect(status).toBe(201);
    expect(headers.get('cache-control')).toBe('no-store');
    const { accessToken } = json as { accessToken: string };
    const read = (path: string) =>
      fetch(`${emulator.url}${path}`, { headers: { authorization: `Bearer ${accessToken}` } });
    expect((await read(`/2.0/files/${id}`)).status).toBe(200);
    expect((await read('/2.0/folders/0/items')).status).toBe(403);
    expect(emulator.tokenRequests.at(-2)?.subject).toEqual({ type: 'user', id: ALICE.id });
  });

  test('returns no token for a file of another user', async () => {
    const { ask, emulator } = await startPortal(platform);
    const { id } = emulator.addFile({ name: 'a.txt', content: 'Hello', ownerId: ALICE.id });
    const response = await ask(`/api/files/${id}/preview-token`, { as: 'bob', method: 'POST' });
    expect(response.status).toBe(404);
  });
});

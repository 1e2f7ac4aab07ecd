import { describe, expect, onTestFinished, test } from 'vitest';
import { FAULTS } from '../../sample-app/src/emulated-box/breakable-box.js';
import { startBrowsablePortal } from './browsable-portal.js';
import { ask as askAt, fieldIn, PLATFORMS, startPortal } from './portal-fixture.js';

describe.each(PLATFORMS)('The portal on %s', (platform) => {
  test('serves a page without inline scripts or styles, under a policy that forbids them', async () => {
    const { ask } = await startPortal(platform);
    const { headers, text } = await ask('/');
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain(`default-src 'none'`);
    expect(policy).toContain(`script-src 'self';`);
    expect(policy).toContain(`style-src 'self';`);
    expect(policy).not.toMatch(/unsafe|sha256|nonce|\*/);
    expect(text).not.toMatch(/<script[^>]*>[^<]|<style|\sstyle=|\son[a-z]+=/);
  });

  test('serves all modules and styles of the page with their types', async () => {
    const { ask } = await startPortal(platform);
    const seen = new Map<string, string>();
    const queue = ['/'];
    for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
      if (seen.has(path)) continue;
      const { status, headers, text } = await ask(path);
      expect(status, path).toBe(200);
      seen.set(path, headers.get('content-type') ?? '');
      if (path !== '/') expect(headers.get('x-content-type-options')).toBe('nosniff');
      for (const [, asset] of text.matchAll(/(?:src|href)="(\/page\/[^"]+)"/g))
        queue.push(asset ?? '');
      for (const [, module] of text.matchAll(/from '\.\/([^']+)'/g)) queue.push(`/page/${module}`);
    }
    const types = [...seen].map(([path, type]) => `${path.split('.').at(-1)}: ${type}`);
    expect([...new Set(types)].toSorted()).toEqual([
      '/: text/html; charset=utf-8',
      'css: text/css; charset=utf-8',
      'js: text/javascript; charset=utf-8',
    ]);
    expect(seen.size).toBeGreaterThan(10);
  });

  test.each(['page.controller.ts', '..%2fpage.controller.ts', '__proto__', 'none.js'])(
    'serves no other file: %s',
    async (name) => {
      const { ask } = await startPortal(platform);
      expect(await ask(`/page/${name}`)).toMatchObject({ status: 404 });
    },
  );

  test('breaks its emulated Box by documented routes', async () => {
    const { url, portal, stop } = await startBrowsablePortal(platform);
    onTestFinished(stop);
    const paths = fieldIn(await askAt(`${url}/docs-json`), 'paths');
    expect(paths).toMatchObject({
      '/api/faults': { get: { tags: ['faults'], responses: { 200: {} } } },
      '/api/faults/{fault}': {
        post: {
          tags: ['faults'],
          parameters: [{ name: 'fault', in: 'path', schema: { enum: FAULTS } }],
          responses: { 204: {}, 400: {} },
        },
      },
    });
    const { emulator } = portal.emulatedBox;
    expect(await askAt(`${url}/api/whoami`)).toMatchObject({ status: 200 });
    expect(await askAt(`${url}/api/faults/revoke`, { method: 'POST' })).toMatchObject({
      status: 204,
    });
    expect(await askAt(`${url}/api/whoami`)).toMatchObject({ status: 200 });
    expect(emulator.apiRequests.map(({ status }) => status)).toEqual([200, 401, 200]);
    for (const fault of ['none', '__proto__', '0']) {
      const response = await askAt(`${url}/api/faults/${fault}`, { method: 'POST' });
      expect(response.status, fault).toBe(400);
    }
  });

  test('shows the tokens in memory without their values', async () => {
    const { ask, emulator } = await startPortal(platform);
    const missing = { name: '', holder: 'app', status: 'missing' };
    expect((await ask('/api/tokens')).json).toContainEqual(missing);
    await ask('/api/whoami');
    await ask('/api/me/direct', { as: 'alice' });
    const { json, text } = await ask('/api/tokens');
    expect(json).toMatchObject([
      { holder: 'app', status: 'valid', isShared: false },
      { holder: 'user', name: 'alice', status: 'valid' },
      { holder: 'user', name: 'bob', status: 'missing' },
    ]);
    for (const { headers } of emulator.apiRequests) {
      expect(text).not.toContain(headers['authorization']?.slice('Bearer '.length));
    }
    expect(emulator.apiRequests.map(({ actingUser }) => actingUser)).toEqual([
      undefined,
      undefined,
    ]);
  });
});

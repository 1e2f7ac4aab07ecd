import { channel } from 'node:diagnostics_channel';
import type { Subscription } from 'rxjs';
import { describe, expect, test, vi } from 'vitest';
import { TokenEvents } from '../../sample-app/src/events/token-events.js';
import { FakeRuntime } from '../support/fake-runtime.js';
import { watch as watchUrl } from './event-stream.js';
import { ALICE, BOB, fieldIn, PLATFORMS, type Portal, startPortal } from './portal-fixture.js';

const patience = { timeout: 30_000 };

describe.each(PLATFORMS)('The portal on %s', patience, (platform) => {
  describe('reports on /health', () => {
    test('that Box can be called', async () => {
      const { ask, emulator } = await startPortal(platform);
      const response = await ask('/health');
      expect(response).toMatchObject({
        status: 200,
        json: { status: 'ok', info: { box: { status: 'up', state: 'healthy' } } },
      });
      expect(response.headers.get('cache-control')).toContain('no-cache');
      expect(emulator.tokenRequests).toHaveLength(1);
      expect(emulator.apiRequests).toEqual([]);
    });

    test('that it is degraded while it uses the old token', async () => {
      const runtime = new FakeRuntime(Date.now());
      const box = { runtime, tokenEndpoint: { attempts: 1 } };
      const { ask, emulator } = await startPortal(platform, { box });
      await ask('/api/whoami');
      emulator.always('token', { kind: 'unavailable' });
      await runtime.advance(55 * 60_000);
      await vi.waitFor(async () => {
        expect(await ask('/health')).toMatchObject({
          status: 200,
          json: { status: 'degraded', info: { box: { state: 'degraded', code: 'unavailable' } } },
        });
      }, patience);
      expect(await ask('/api/whoami')).toMatchObject({ status: 200 });
    });

    test('that it is down, with the reason and the fix', async () => {
      const { ask, emulator } = await startPortal(platform);
      emulator.authorized = false;
      const response = await ask('/health');
      expect(response).toMatchObject({
        status: 503,
        json: {
          status: 'error',
          error: { box: { status: 'down', code: 'app_not_authorized' } },
        },
      });
      expect(response.text).toContain('Ask an admin');
      expectNothingPrivate(response.text, emulator);
    });
  });

  describe('serves documentation', () => {
    test('in a page with all its assets', async () => {
      const { url, ask } = await startPortal(platform);
      const page = await ask('/docs');
      expect(page).toMatchObject({ status: 200 });
      expect(page.headers.get('content-type')).toContain('text/html');
      const parts = [...page.text.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, part]) => part);
      expect(parts.length).toBeGreaterThanOrEqual(4);
      for (const part of parts) {
        const { pathname } = new URL(part ?? '', `${url}/docs`);
        expect((await ask(pathname)).status, pathname).toBe(200);
      }
    });

    test('of every route, with its parameters and responses', async () => {
      const { ask } = await startPortal(platform);
      const operations = operationsIn(fieldIn(await ask('/docs-json'), 'paths'));
      expect(operations.map(({ name }) => name).toSorted()).toEqual([
        'delete /api/load',
        'get /api/events',
        'get /api/files/{id}/content',
        'get /api/folders/{id}/changes',
        'get /api/folders/{id}/items',
        'get /api/load',
        'get /api/me',
        'get /api/me/direct',
        'get /api/tenant',
        'get /api/tokens',
        'get /api/whoami',
        'get /health',
        'post /api/files',
        'post /api/files/{id}/preview-token',
        'post /api/load',
      ]);
      for (const { name, operation } of operations) {
        const { tags, summary, responses, parameters, security } = operation;
        expect(tags, name).toHaveLength(1);
        expect(summary, name).toBeTypeOf('string');
        expect(Object.keys(responses).some((status) => status.startsWith('2'))).toBe(true);
        expect(parameters.map((parameter) => parameter.name).toSorted(), name).toEqual(
          name === 'post /api/files' ? ['folder', 'name'] : name.includes('{id}') ? ['id'] : [],
        );
        const isPublic = /whoami|health|events|tokens|load/.test(name);
        expect(security, name).toEqual(isPublic ? undefined : [{ 'demo-user': [] }]);
        expect('401' in responses, name).toBe(!isPublic);
      }
    });

    test('in which a route can be tried as a demo user', async () => {
      const { ask } = await startPortal(platform);
      const { json } = await ask('/docs-json');
      expect(json).toMatchObject({
        components: {
          securitySchemes: { 'demo-user': { type: 'apiKey', in: 'header', name: 'x-demo-user' } },
        },
      });
      const headers = { 'x-demo-user': 'alice' };
      expect(await ask('/api/me', { headers })).toMatchObject({ json: { id: ALICE.id } });
    });
  });

  describe('streams on /api/events', () => {
    test('new token events', async () => {
      const portal = await startPortal(platform, { box: { tokenEndpoint: { attempts: 1 } } });
      const { ask, emulator } = portal;
      const watcher = await watch(portal);
      expect(watcher.headers.get('content-type')).toContain('text/event-stream');

      await ask('/api/whoami');
      const mint = await watcher.next();
      expect(mint).toMatchObject({
        event: 'mint',
        data: {
          kind: 'mint',
          issuer: 'Box',
          outcome: 'minted',
          subjectType: 'enterprise',
          startedAt: expect.any(Number) as number,
          durationMs: expect.any(Number) as number,
          expiresAt: expect.any(Number) as number,
          fingerprint: expect.any(String) as string,
        },
      });

      emulator.revokeAllTokens();
      emulator.failNext('token', { kind: 'unavailable' });
      await ask('/api/me', { as: 'alice' });
      const failed = await watcher.next();
      expect(failed).toMatchObject({
        event: 'forced-renewal',
        data: { outcome: 'failed', error: { code: 'unavailable', retryable: true } },
      });
      expectNothingPrivate(JSON.stringify([mint, failed]), emulator);
      expect(JSON.stringify(failed)).not.toContain('Box returned');
    });

    test('a tenant that has not authorized the app', async () => {
      const users = [{ id: '33333', name: 'carol', login: 'carol@globex.example' }];
      const tenant = { id: '7654321', users, authorized: false };
      const portal = await startPortal(platform, { enterprises: [tenant] });
      const watcher = await watch(portal);
      await portal.ask('/api/me', { as: 'carol' });
      const events = [await watcher.next(), await watcher.next()];
      expect(events).toMatchObject([
        { event: 'tenant-unauthorized', data: { enterprise: tenant.id } },
        { event: 'mint', data: { enterprise: tenant.id, error: { code: 'app_not_authorized' } } },
      ]);
      expect(JSON.stringify(events)).not.toMatch(/33333|Box returned/);
      expectNothingPrivate(JSON.stringify(events), portal.emulator);
    });

    test('the last twenty events first', async () => {
      const portal = await startPortal(platform);
      await portal.ask('/api/whoami');
      const late = await watch(portal);
      expect(await late.next()).toMatchObject({ event: 'mint', data: { outcome: 'minted' } });

      const states = Array.from({ length: 25 }, (_, at) => `state ${at}`);
      for (const state of states) {
        channel('nestjs-box-auth:store').publish({ kind: 'store', state });
      }
      const later = await watch(portal);
      for (const state of states.slice(-20)) {
        expect(await later.next()).toMatchObject({ event: 'store', data: { state } });
      }
      await portal.app.close();
      expect(await later.next()).toBeUndefined();
    });

    test('to every client, until it leaves', async () => {
      const portal = await startPortal(platform);
      const subscribe = vi.spyOn(portal.app.get(TokenEvents).stream, 'subscribe');
      const watchers = await Promise.all([watch(portal), watch(portal)]);
      const areOver = () =>
        subscribe.mock.results.map(({ value }) => (value as Subscription).closed);
      expect(areOver()).toEqual([false, false]);
      await portal.ask('/api/whoami');
      for (const watcher of watchers) {
        expect(await watcher.next()).toMatchObject({ event: 'mint' });
      }
      for (const watcher of watchers) watcher.leave();
      await vi.waitFor(() => expect(areOver()).toEqual([true, true]), patience);
      expect(await portal.ask('/api/whoami')).toMatchObject({ status: 200 });
    });

    test('until shutdown, which waits for no client', async () => {
      const portal = await startPortal(platform);
      const watchers = await Promise.all([watch(portal), watch(portal)]);
      expect(isHeard()).toBe(true);
      await portal.app.close();
      for (const watcher of watchers) expect(await watcher.next()).toBeUndefined();
      expect(isHeard()).toBe(false);
    });
  });
});

/** Whether this process has subscribers of token events. */
function isHeard(): boolean {
  return channel('nestjs-box-auth:mint').hasSubscribers;
}

/** Watches the token events. */
function watch({ url }: Portal) {
  return watchUrl(`${url}/api/events`);
}

interface Operation {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly responses: Readonly<Record<string, unknown>>;
  readonly parameters: readonly { readonly name: string }[];
  readonly security?: readonly unknown[];
}

/** The operations by method and path. */
function operationsIn(paths: unknown) {
  return Object.entries(paths as Record<string, Record<string, Operation>>).flatMap(
    ([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        name: `${method} ${path}`,
        operation,
      })),
  );
}

/** Expects neither tokens nor secrets nor ids. */
function expectNothingPrivate(text: string, { config, serviceAccountId }: Portal['emulator']) {
  const { clientID, clientSecret } = config.boxAppSettings;
  for (const secret of [
    clientID,
    clientSecret,
    config.enterpriseID,
    serviceAccountId,
    ALICE.id,
    BOB.id,
  ]) {
    expect(text).not.toContain(secret);
  }
}

import { Test } from '@nestjs/testing';
import { BoxAuthModule, BoxTokenProvider, type TokenStore } from 'nestjs-box-auth';
import { BoxEmulator, WorkfrontEmulator } from 'nestjs-box-auth/testing';
import {
  WorkfrontAuthModule,
  type WorkfrontAuthModuleOptions,
  WorkfrontFetch,
  WorkfrontTokenProvider,
} from 'nestjs-box-auth/workfront';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemRuntime } from '../../lib/core/runtime/runtime.js';
import { MemoryTokenStore } from '../support/memory-token-store.js';
import { thrownBy } from '../support/thrown.js';
import { PROJECTS } from './workfront-app.js';

const APPS = 6;
const CALLS = 10;

let emulator: WorkfrontEmulator;
let store: TokenStore;
let closing: { close(): Promise<void> }[];
beforeAll(async () => {
  emulator = await WorkfrontEmulator.start({ maxConcurrentApiRequests: APPS * CALLS });
});
beforeEach(() => {
  store = new MemoryTokenStore(systemRuntime);
  closing = [];
  emulator.clearRequests();
  emulator.sessionLifetimeS = null;
});
afterEach(() => Promise.all(closing.map((app) => app.close())));
afterAll(() => emulator.stop());

/** One of the fleet's apps. */
async function start(changes: Partial<WorkfrontAuthModuleOptions> = {}) {
  const options = { url: emulator.url, ...emulator.credentials, store, ...changes };
  const app = await Test.createTestingModule({
    imports: [WorkfrontAuthModule.forRoot(options)],
  }).compile();
  closing.push(app);
  app.useLogger(false);
  return app.init();
}

const fleet = () => Promise.all(Array.from({ length: APPS }, () => start()));

async function statusesOf(apps: Awaited<ReturnType<typeof fleet>>): Promise<Set<number>> {
  const calls = apps.flatMap((app) => Array.from({ length: CALLS }, () => app.get(WorkfrontFetch)));
  const answers = await Promise.all(calls.map((call) => call(PROJECTS)));
  return new Set(answers.map(({ status }) => status));
}

describe('A fleet with a store', () => {
  it.each([
    ['without a lifetime', null],
    ['with one', 3600],
  ])('shares one session (%s), and another one after a refusal', async (_, lifetimeS) => {
    emulator.sessionLifetimeS = lifetimeS;
    const apps = await fleet();
    expect(await statusesOf(apps)).toEqual(new Set([200]));
    expect(emulator.exchangeRequests).toHaveLength(1);
    const shared = apps.map((app) => app.get(WorkfrontTokenProvider).peekToken()?.value);
    expect(new Set(shared).size).toBe(1);

    emulator.endAllSessions();
    expect(await statusesOf(apps)).toEqual(new Set([200]));
    expect(emulator.exchangeRequests).toHaveLength(2);
  });

  it('shares no session with another application or another user', async () => {
    const { credentials } = emulator;
    await (await start()).get(WorkfrontTokenProvider).getToken();
    for (const changes of [{ clientId: credentials.userId }, { userId: credentials.clientId }]) {
      const other = (await start(changes)).get(WorkfrontTokenProvider);
      expect((await thrownBy(() => other.getToken())).code).toBe('token_request_refused');
    }
    expect(emulator.mints).toBeGreaterThan(0);
    expect(emulator.exchangeRequests).toHaveLength(3);
  });

  it('can keep tokens of Box in the same store', async () => {
    const box = await BoxEmulator.start();
    const app = await Test.createTestingModule({
      imports: [
        BoxAuthModule.forRoot({ credentials: { config: box.config }, apiUrl: box.url, store }),
        WorkfrontAuthModule.forRoot({ url: emulator.url, ...emulator.credentials, store }),
      ],
    }).compile();
    closing.push(app, { close: () => box.stop() });
    const [token, session] = await Promise.all([
      app.get(BoxTokenProvider).getToken(),
      app.get(WorkfrontTokenProvider).getToken(),
    ]);
    expect(token.value).not.toBe(session.value);
    expect((await app.get(WorkfrontFetch)(PROJECTS)).status).toBe(200);
    expect([box.tokenRequests.length, emulator.exchangeRequests.length]).toEqual([1, 1]);
  });

  it.each([
    ['open', 200],
    ['closed', 'store_unavailable'],
  ] as const)(
    'follows onStoreFailure while the store is unavailable (%s)',
    async (onStoreFailure, outcome) => {
      const away = () => Promise.reject(new Error('away'));
      const broken = { claim: away, publish: away, invalidate: away, fail: away };
      const app = await start({ store: broken, onStoreFailure });
      const answered = app.get(WorkfrontFetch)(PROJECTS);
      if (outcome === 200) expect((await answered).status).toBe(200);
      else expect((await thrownBy(() => answered)).code).toBe(outcome);
    },
  );
});

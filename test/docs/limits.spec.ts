import diagnostics from 'node:diagnostics_channel';
import { Agent } from 'node:http';
import { inspect } from 'node:util';
import { CacheModule } from '@nestjs/cache-manager';
import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  type INestApplication,
  type Type,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import axios from 'axios';
import Bottleneck from 'bottleneck';
import pLimit from 'p-limit';
import { request, type Dispatcher } from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { AsUser, BoxAuthModule, BoxFetch, BoxTokenProvider } from 'nestjs-box-auth';
import { BoxAxiosInterceptor } from 'nestjs-box-auth/axios';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { exampleIn, run } from './example.js';

const PAGE = 'docs/limits.md';
const ALICE = '11111';
const BOB = '22222';
const ME = '/2.0/users/me';

let box: BoxEmulator;
beforeAll(async () => {
  box = await BoxEmulator.start();
});
afterAll(() => box.stop());
beforeEach(() => box.clearRequests());

let app: INestApplication | undefined;
afterEach(async () => {
  await app?.close();
  app = undefined;
  vi.restoreAllMocks();
});

/** Simulates a sign-in: a header names the user. */
class SignedIn implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const http = context
      .switchToHttp()
      .getRequest<{ headers: Record<string, string>; user?: object }>();
    http.user = { boxId: http.headers['x-person'] };
    return true;
  }
}

async function started(controller?: unknown, providers: Type[] = [], adapter?: FastifyAdapter) {
  const module = await Test.createTestingModule({
    imports: [
      BoxAuthModule.forRoot({ credentials: { config: box.config }, apiUrl: box.url }),
      CacheModule.register({ ttl: 60_000 }),
    ],
    controllers: controller === undefined ? [] : [controller as Type],
    providers: [
      { provide: APP_GUARD, useClass: SignedIn },
      ...providers.map((useClass) => ({ provide: APP_FILTER, useClass })),
    ],
  }).compile();
  app =
    adapter === undefined
      ? module.createNestApplication({ logger: false })
      : module.createNestApplication(adapter, { logger: false });
  return app;
}

/** Starts the app and sends it requests of a person. */
async function clientOf(running: INestApplication) {
  await running.listen(0, '127.0.0.1');
  const url = await running.getUrl();
  return (path: string, person: string) =>
    fetch(`${url}/${path}`, { headers: { 'x-person': person } });
}

const idOf = async (response: Response) => ((await response.json()) as { id: string }).id;
const actingUsers = () => box.apiRequests.map(({ actingUser }) => actingUser);

describe('The limits page', () => {
  it('adds the user to the key of CacheInterceptor', async () => {
    const { FoldersController } = await run(exampleIn(PAGE, 'class CachePerUser'));
    const read = await clientOf(await started(FoldersController));
    const ids: string[] = [];
    for (const person of [ALICE, BOB, ALICE, BOB])
      ids.push(await idOf(await read('folders', person)));
    expect(ids).toEqual([ALICE, BOB, ALICE, BOB]);
    expect(actingUsers()).toEqual([ALICE, BOB]);
  });

  it('adds the user to the key of a custom cache', async () => {
    box.route('GET', '/2.0/files/77', ({ headers }, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ id: headers['as-user'] }));
    });
    const { FilesController } = await run(exampleIn(PAGE, 'this.cache.wrap'));
    const read = await clientOf(await started(FilesController));
    for (const person of [ALICE, BOB, ALICE, BOB]) {
      expect(await idOf(await read('files/77', person))).toBe(person);
    }
    expect(actingUsers()).toEqual([ALICE, BOB]);
  });

  it('deduplicates the calls of each user', async () => {
    const { dispatcherFor } = await run(exampleIn(PAGE, 'interceptors.deduplicate()'));
    const provider = (await started()).get(BoxTokenProvider);
    const dispatcher = (dispatcherFor as (of: BoxTokenProvider) => Dispatcher)(provider);
    await provider.getToken();
    const ids = await Promise.all(
      [ALICE, BOB, ALICE, BOB].map((user) =>
        provider.runAs(user, async () => {
          const { body } = await request(`${box.url}${ME}`, { dispatcher });
          return ((await body.json()) as { id: string }).id;
        }),
      ),
    );
    expect(ids).toEqual([ALICE, BOB, ALICE, BOB]);
    expect(new Set(actingUsers())).toEqual(new Set([ALICE, BOB]));
    expect(box.apiRequests).toHaveLength(2);
    await dispatcher.close();
  });

  it('marks a response as private', async () => {
    const { MeController } = await run(exampleIn(PAGE, "'private, no-store'"));
    const response = await (await clientOf(await started(MeController)))('me', ALICE);
    expect(response.headers.get('cache-control')).toBe('private, no-store');
    expect(await idOf(response)).toBe(ALICE);
  });
});

describe('The limits page', () => {
  /** Two concurrent calls for each of two users, through a limiter that runs one at a time. */
  async function served(schedule: (box: BoxFetch) => Promise<Response>): Promise<string[]> {
    const running = await started();
    const provider = running.get(BoxTokenProvider);
    const fetchBox = running.get(BoxFetch);
    await provider.getToken();
    const calls = [ALICE, BOB, ALICE, BOB].map((user) =>
      provider.runAs(user, async () => idOf(await schedule(fetchBox))),
    );
    return Promise.all(calls);
  }

  it('warns of Bottleneck, which runs a task as another user', async () => {
    const limiter = new Bottleneck({ maxConcurrent: 1 });
    const ids = await served((fetchBox) => limiter.schedule(() => fetchBox(ME)));
    expect(ids).not.toEqual([ALICE, BOB, ALICE, BOB]);
  });

  it('binds a task of Bottleneck to its own user', async () => {
    const { limited } = await run(exampleIn(PAGE, 'new Bottleneck'));
    const schedule = limited as (fetchBox: BoxFetch, path: string) => Promise<Response>;
    expect(await served((fetchBox) => schedule(fetchBox, ME))).toEqual([ALICE, BOB, ALICE, BOB]);
  });

  it('needs no binding with p-limit', async () => {
    const limit = pLimit(1);
    const ids = await served((fetchBox) => limit(() => fetchBox(ME)));
    expect(ids).toEqual([ALICE, BOB, ALICE, BOB]);
  });
});

@Controller()
@AsUser(
  (context) =>
    context.switchToHttp().getRequest<{ headers: Record<string, string> }>().headers['x-person'],
)
class Failing {
  @Get('fails') fails(): never {
    throw new Error('on purpose');
  }
  @Get('works') works() {
    return {};
  }
}

describe('After the interceptors', () => {
  it('an exception filter acts for the user with runAs', async () => {
    const { NoteFailures } = await run(exampleIn(PAGE, 'class NoteFailures'));
    const read = await clientOf(await started(Failing, [NoteFailures as Type]));
    expect((await read('fails', ALICE)).status).toBe(500);
    expect((await read('fails', BOB)).status).toBe(500);
    expect(actingUsers()).toEqual([ALICE, BOB]);
  });

  it.each(['preSerialization', 'onSend'] as const)(
    '%s of Fastify acts as the service account, and for the user with runAs',
    async (hook) => {
      const adapter = new FastifyAdapter();
      const running = await started(Failing, [], adapter);
      const [provider, fetchBox] = [running.get(BoxTokenProvider), running.get(BoxFetch)];
      const call = async (by: unknown, _reply: unknown, payload: unknown) => {
        await fetchBox(ME);
        const { user } = by as { user: { boxId: string } };
        await provider.runAs(user.boxId, () => fetchBox(ME));
        return payload;
      };
      adapter.getInstance().addHook(hook as 'preSerialization', call);
      expect((await (await clientOf(running))('works', ALICE)).status).toBe(200);
      expect(actingUsers()).toEqual([undefined, ALICE]);
    },
  );
});

describe('The headers of calls in flight', () => {
  it('appear in an agent of the app, unless it is private', async () => {
    const running = await started();
    const provider = running.get(BoxTokenProvider);
    const { value } = await provider.getToken();
    const interceptor = new BoxAxiosInterceptor(provider);
    const agent = new Agent({ keepAlive: true });
    const http = axios.create({ baseURL: box.url, httpAgent: agent });
    interceptor.attach(http);
    const { Reports } = await run(exampleIn(PAGE, 'class Reports'));
    const reports = new (Reports as new (...args: unknown[]) => { me(): Promise<unknown> })(
      interceptor,
      box.url,
    );

    let printed = { agent: '', reports: '' };
    box.route('GET', '/2.0/in-flight', (_, response) => {
      printed = { agent: inspect(agent, { depth: 8 }), reports: inspect(reports, { depth: 8 }) };
      response.end();
    });
    await http.get('/2.0/in-flight');
    expect(printed.agent).toContain(value);
    expect(printed.reports).not.toContain(value);
    expect(await reports.me()).toHaveProperty('id');
    agent.destroy();
  });

  it('are published by Node, but not recorded by the subscriber', async () => {
    const log = vi.fn<(...shown: unknown[]) => void>();
    await run(exampleIn(PAGE, 'diagnostics.subscribe'), { console: { log } });
    const published: unknown[] = [];
    const listen = (message: unknown) => {
      published.push((message as { request: { headers: unknown } }).request.headers);
    };
    diagnostics.subscribe('undici:request:create', listen);
    const running = await started();
    const { value } = await running.get(BoxTokenProvider).getToken();
    await running.get(BoxFetch)(`${ME}?fields=id`);
    diagnostics.unsubscribe('undici:request:create', listen);
    expect(JSON.stringify(published)).toContain(value);
    expect(log).toHaveBeenLastCalledWith('GET', box.url, ME);
    expect(JSON.stringify(log.mock.calls)).not.toContain(value);
  });
});

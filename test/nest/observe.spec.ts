import { EventEmitter, once } from 'node:events';
import { HttpService } from '@nestjs/axios';
import {
  Controller,
  type ExecutionContext,
  Get,
  type INestApplication,
  Module,
} from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { createObserveModule } from '@nestjs/observe';
import { BoxClient } from 'box-node-sdk';
import {
  AsUser,
  BoxAuthExceptionFilter,
  BoxAuthModule,
  BoxFetch,
  BoxTokenProvider,
  BoxUsers,
} from 'nestjs-box-auth';
import { BoxHttpModule } from 'nestjs-box-auth/axios';
import { AsConnectedUser, BoxConnections, BoxConnectionsModule } from 'nestjs-box-auth/connections';
import { BoxSdkModule } from 'nestjs-box-auth/sdk';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { firstValueFrom } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALICE, BOB, optionsFor, ownerOf, REDIRECT_URI } from '../support/connections-app.js';
import { VAULT_SECRET } from '../support/connections.js';

const ME = '/2.0/users/me';

/** A span in the format of the agent: its class, its method, and the spans below it. */
interface Span {
  readonly c: string;
  readonly m: string;
  readonly ch?: readonly Span[];
}

interface Snapshot {
  /** The route. */
  readonly op: string;
  readonly t?: readonly Span[];
}

/** The server that the agent sends its telemetry to. */
class Collector {
  readonly #server: Server;
  readonly #batches = new EventEmitter();
  readonly snapshots: Snapshot[] = [];
  /** Everything that the agent has sent. */
  text = '';

  static async start(): Promise<Collector> {
    const collector = new Collector();
    collector.#server.listen(0, '127.0.0.1');
    await once(collector.#server, 'listening');
    return collector;
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      void buffer(request).then((body) => {
        const batch = gunzipSync(body).toString();
        this.text += batch;
        this.snapshots.push(...((JSON.parse(batch) as { snapshots?: Snapshot[] }).snapshots ?? []));
        response.writeHead(201, { 'content-type': 'application/json' }).end('{}');
        this.#batches.emit('batch');
      });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async nextBatch(): Promise<void> {
    await once(this.#batches, 'batch');
  }

  /** The spans of a route, such as `BoxController.byFetch > Function.fetch`. */
  spansOf(route: string): readonly string[] {
    const spans = this.snapshots.find(({ op }) => op === route)?.t ?? [];
    return spans.flatMap((span) => pathsOf(span));
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

function pathsOf({ c, m, ch = [] }: Span): readonly string[] {
  const name = c === 'http' ? m.replace(/ .*/, '') : `${c}.${m}`;
  return [name, ...ch.flatMap(pathsOf).map((path) => `${name} > ${path}`)];
}

const owner = (context: ExecutionContext) => ownerOf(context.switchToHttp().getRequest<object>());

async function idIn(response: Response): Promise<string> {
  const { id } = (await response.json()) as { readonly id: string };
  return id;
}

@Controller()
class BoxController {
  constructor(
    private readonly box: BoxFetch,
    private readonly provider: BoxTokenProvider,
    private readonly users: BoxUsers,
    private readonly http: HttpService,
    private readonly sdk: BoxClient,
    private readonly connections: BoxConnections,
  ) {}

  @Get('BoxFetch')
  async byFetch() {
    return idIn(await this.box(ME));
  }

  @Get('AsUser')
  @AsUser(BOB)
  async asUser() {
    return idIn(await this.box(ME));
  }

  @Get('runAs')
  runAs() {
    return this.provider.runAs(BOB, async () => idIn(await this.box(ME)));
  }

  @Get('getHeaders')
  async byHeaders() {
    const headers = await this.provider.getHeaders(`${emulator.url}${ME}`);
    return idIn(await fetch(`${emulator.url}${ME}`, { headers }));
  }

  @Get('invalidate')
  async invalidate() {
    const token = await this.provider.getToken();
    this.provider.invalidate(token);
    const next = await firstValueFrom(this.provider.token$());
    return next.value === token.value ? 'the same token' : 'a new token';
  }

  @Get('BoxUsers')
  byUsers() {
    return this.users.find({ login: 'bob@example.com' });
  }

  @Get('HttpService')
  async byAxios() {
    return (await firstValueFrom(this.http.get<{ id: string }>(ME))).data.id;
  }

  @Get('axiosRef')
  async byAxiosRef() {
    return (await this.http.axiosRef.get<{ id: string }>(ME)).data.id;
  }

  @Get('BoxClient')
  async bySdk() {
    return (await this.sdk.users.getUserMe()).id;
  }

  @Get('AsConnectedUser')
  @AsConnectedUser(owner)
  async asConnectedUser() {
    return idIn(await this.box(ME));
  }

  @Get('stranger')
  @AsConnectedUser(() => 'stranger')
  async asStranger() {
    return idIn(await this.box(ME));
  }

  @Get('BoxConnections')
  async byConnections() {
    return (await this.connections.get('ann'))?.user.id;
  }
}

const { ObserveModule, ObserveInstrument } = createObserveModule({ attachTraceIdToLogs: false });
let emulator: BoxEmulator;
let collector: Collector;
let app: INestApplication;
/** The tokens that the app has used. */
const tokens: string[] = [];

beforeAll(async () => {
  emulator = await BoxEmulator.start({ redirectUris: [REDIRECT_URI] });
  collector = await Collector.start();
  const agent = { appKey: 'key', appSecret: 'secret', serviceId: 'app', endpoint: collector.url };
  @Module({
    imports: [
      ObserveModule.forRoot({ ...agent, flushInterval: 1_000 }),
      BoxAuthModule.forRoot({ credentials: { config: emulator.config }, apiUrl: emulator.url }),
      BoxHttpModule.register({}),
      BoxSdkModule,
      BoxConnectionsModule.forRoot(optionsFor(emulator)),
    ],
    providers: [{ provide: APP_FILTER, useClass: BoxAuthExceptionFilter }],
    controllers: [BoxController],
  })
  class AppModule {}
  app = await NestFactory.create(AppModule, {
    ...(ObserveInstrument && { instrument: ObserveInstrument }),
    logger: false,
    abortOnError: false,
  });
  await app.listen(0, '127.0.0.1');
  const connections = app.get(BoxConnections);
  const ann = { owner: 'ann', binding: 'the session of ann' };
  const address = await connections.authorizationUrl(ann);
  await connections.complete({ ...ann, query: emulator.consent(address, { userId: ALICE }) });
  tokens.push((await app.get(BoxTokenProvider).getToken()).value);
  tokens.push((await connections.getToken('ann')).value);
});
afterAll(async () => {
  await app.close();
  collector.stop();
  await emulator.stop();
});

async function call(path: string): Promise<string> {
  const response = await fetch(`${await app.getUrl()}/${path}`, {
    headers: { 'x-session': 'ann' },
  });
  return `${response.status} ${await response.text()}`;
}

/**
 * Calls these paths until the collector has the spans of all. The agent replaces a batch that its worker thread has not sent in
 * time.
 */
async function callUntilTraced(paths: readonly string[]): Promise<void> {
  let missing = paths;
  while (missing.length > 0) {
    const batch = collector.nextBatch();
    await Promise.all(missing.map(call));
    await batch;
    missing = missing.filter((path) => collector.spansOf(`/${path}`).length === 0);
  }
}

const SERVICE_ACCOUNT = 'the service account';

interface Route {
  readonly path: string;
  /** The id of the user that Box sees, or another response. */
  readonly response: string;
  /** Some of its spans. */
  readonly spans: readonly string[];
}

const ROUTES: readonly Route[] = [
  {
    path: 'BoxFetch',
    response: SERVICE_ACCOUNT,
    spans: ['BoxController.byFetch > BoxController.box > Function.fetch > GET'],
  },
  {
    path: 'AsUser',
    response: BOB,
    spans: ['ActingInterceptor.intercept', 'BoxController.asUser > BoxController.box'],
  },
  {
    path: 'runAs',
    response: BOB,
    spans: ['BoxController.runAs > BoxTokenProvider.runAs > BoxController.box'],
  },
  {
    path: 'getHeaders',
    response: SERVICE_ACCOUNT,
    spans: ['BoxController.byHeaders > BoxTokenProvider.getHeaders'],
  },
  {
    path: 'invalidate',
    response: 'a new token',
    spans: ['BoxController.invalidate > BoxTokenProvider.token$'],
  },
  { path: 'BoxUsers', response: BOB, spans: ['BoxController.byUsers > BoxUsers.find'] },
  {
    path: 'HttpService',
    response: SERVICE_ACCOUNT,
    spans: ['BoxController.byAxios > HttpService.get'],
  },
  { path: 'axiosRef', response: SERVICE_ACCOUNT, spans: ['BoxController.byAxiosRef > GET'] },
  { path: 'BoxClient', response: SERVICE_ACCOUNT, spans: ['BoxController.bySdk > GET'] },
  {
    path: 'AsConnectedUser',
    response: ALICE,
    spans: ['ActingInterceptor.intercept', 'BoxController.asConnectedUser > BoxController.box'],
  },
  {
    path: 'BoxConnections',
    response: ALICE,
    spans: ['BoxController.byConnections > BoxConnections.get'],
  },
];

describe('An app under @nestjs/observe', () => {
  it.each(ROUTES)('calls Box for the right user by $path', async ({ path, response }) => {
    const id = response === SERVICE_ACCOUNT ? emulator.serviceAccountId : response;
    await expect(call(path)).resolves.toBe(`200 ${id}`);
  });

  it('responds with the code of a BoxAuthError', async () => {
    await expect(call('stranger')).resolves.toMatch(/^401 .*"code":"connection_missing"/);
  });

  it('has the spans of its calls, without a secret', async () => {
    await callUntilTraced([...ROUTES.map(({ path }) => path), 'stranger']);

    for (const { path, spans } of ROUTES) {
      expect(collector.spansOf(`/${path}`), path).toEqual(expect.arrayContaining([...spans]));
    }
    const { clientSecret } = emulator.oauthApp;
    for (const secret of [...tokens, clientSecret, VAULT_SECRET]) {
      expect(collector.text).not.toContain(secret);
    }
  });
});

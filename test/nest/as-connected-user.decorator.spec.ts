import {
  type CallHandler,
  Controller,
  type ExecutionContext,
  Get,
  type INestApplication,
  Injectable,
  type NestInterceptor,
  Sse,
  StreamableFile,
  UseInterceptors,
} from '@nestjs/common';
import { HttpService } from '@nestjs/axios';
import { HttpAdapterHost } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { BoxClient } from 'box-node-sdk';
import fc from 'fast-check';
import {
  ActingUser,
  AsServiceAccount,
  AsUser,
  BoxAuthExceptionFilter,
  BoxAuthModule,
  BoxFetch,
  BoxTokenProvider,
  ForEnterprise,
} from 'nestjs-box-auth';
import { BoxHttpModule } from 'nestjs-box-auth/axios';
import { AsConnectedUser, BoxConnections, BoxConnectionsModule } from 'nestjs-box-auth/connections';
import { BoxSdkModule } from 'nestjs-box-auth/sdk';
import { BoxEmulator, MemoryConnectionVault } from 'nestjs-box-auth/testing';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { Readable } from 'node:stream';
import { concatMap, firstValueFrom, from, map, type Observable } from 'rxjs';
import { Agent, request as sendByUndici } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ALICE, BOB, optionsFor, ownerOf, REDIRECT_URI } from '../support/connections-app.js';
import { Crossing, whoAmI, whoAmILater } from './transports/transport-fixture.js';

const ME = '/2.0/users/me';
const CAROL = '33333';
const enterprise = () => emulator.config.enterpriseID;

/** The owner that a test sets, or the session of the request. */
let given: { readonly owner: () => unknown } | undefined;
let resolved = 0;
const owner = (context: ExecutionContext): string | undefined => {
  resolved += 1;
  if (given === undefined) return ownerOf(context.switchToHttp().getRequest<object>());
  return given.owner() as string | undefined;
};

let handled = 0;
let crossing = new Crossing(1);

@Injectable()
class InOuterConnection implements NestInterceptor {
  constructor(private readonly connections: BoxConnections) {}

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return this.connections.runAs('ben', () => next.handle());
  }
}

@Controller('files')
@AsConnectedUser(owner)
class FilesController {
  constructor(
    private readonly box: BoxFetch,
    private readonly http: HttpService,
    private readonly sdk: BoxClient,
    private readonly provider: BoxTokenProvider,
    private readonly connections: BoxConnections,
  ) {}

  @Get('BoxFetch')
  byFetch() {
    handled += 1;
    return whoAmI(this.box);
  }

  @Get('HttpService')
  async byAxios() {
    return (await firstValueFrom(this.http.get<{ id: string }>(ME))).data.id;
  }

  @Get('SDK')
  async bySdk() {
    return (await this.sdk.users.getUserMe()).id;
  }

  @Get('undici')
  async byUndici() {
    const dispatcher = new Agent().compose(boxAuthInterceptor(this.provider));
    const { body } = await sendByUndici(`${emulator.url}${ME}`, { dispatcher });
    return ((await body.json()) as { id: string }).id;
  }

  @Get('fetch-of-connections')
  async byConnections() {
    const response = await this.connections.fetch(ME);
    return ((await response.json()) as { id: string }).id;
  }

  @Get('getHeaders')
  async byHeaders() {
    const headers = await this.provider.getHeaders(`${emulator.url}${ME}`);
    return ((await (await fetch(`${emulator.url}${ME}`, { headers })).json()) as { id: string }).id;
  }

  @Get('later')
  later() {
    return whoAmILater(this.box);
  }

  @Sse('events')
  events(): Observable<{ data: string }> {
    return from([1, 2]).pipe(
      concatMap(() => whoAmI(this.box)),
      map((data) => ({ data })),
    );
  }

  @Get('stream')
  stream() {
    const { box } = this;
    async function* lines() {
      yield await whoAmILater(box);
    }
    return new StreamableFile(Readable.from(lines()));
  }

  @Get('crossing')
  async cross() {
    await crossing.arrive();
    return whoAmI(this.box);
  }

  @Get('acting-user')
  actingUser(@ActingUser() id: string | undefined) {
    return { id: id ?? 'nobody' };
  }

  @Get('service-account')
  @AsServiceAccount()
  serviceAccount() {
    return whoAmI(this.box);
  }

  @Get('carol')
  @AsUser(CAROL)
  carol() {
    return whoAmI(this.box);
  }

  @Get('tenant')
  @AsServiceAccount()
  @ForEnterprise(enterprise)
  tenant() {
    return whoAmI(this.box);
  }

  @Get('work')
  @AsConnectedUser(owner, { label: 'work' })
  work() {
    return whoAmI(this.box);
  }

  @Get('twice')
  @AsConnectedUser(owner)
  twice() {
    return whoAmI(this.box);
  }

  @Get('optional')
  @AsConnectedUser(owner, { optional: true })
  optional() {
    return whoAmI(this.box);
  }
}

@Controller('in-another')
@AsConnectedUser(owner, { optional: true })
@UseInterceptors(InOuterConnection)
class InAnotherController {
  constructor(private readonly box: BoxFetch) {}

  @Get()
  get() {
    return whoAmI(this.box);
  }
}

@Controller('tenants')
@AsUser(CAROL)
@ForEnterprise(enterprise)
class TenantsController {
  constructor(private readonly box: BoxFetch) {}

  @Get()
  @AsConnectedUser(owner)
  connected() {
    return whoAmI(this.box);
  }
}

/** It inherits the decorator, or replaces it. */
@Controller('inherited')
class InheritingController extends FilesController {}
@Controller('replaced')
@AsServiceAccount()
class ReplacingController extends FilesController {}

@Controller('hr')
@AsConnectedUser(owner, { connections: 'hr' })
class NamedController {
  constructor(private readonly box: BoxFetch) {}

  @Get()
  get() {
    return whoAmI(this.box);
  }
}

let emulator: BoxEmulator;
let serviceAccount: string;
beforeAll(async () => {
  emulator = await BoxEmulator.start({ redirectUris: [REDIRECT_URI] });
  emulator.addUser({ id: CAROL, name: 'Carol', login: 'carol@example.com' });
});
beforeEach(() => {
  given = undefined;
  resolved = 0;
  handled = 0;
  emulator.heal();
  emulator.clearRequests();
});
afterAll(() => emulator.stop());

async function connect(connections: BoxConnections, id: string, userId: string, label = '') {
  const person = { owner: id, binding: 'browser', label };
  const query = emulator.consent(await connections.authorizationUrl(person), { userId });
  await connections.complete({ ...person, query });
}

describe.each(['Express', 'Fastify'])('@AsConnectedUser on %s', (platform) => {
  let app: INestApplication;
  let connections: BoxConnections;
  const vault = new MemoryConnectionVault();
  const routes = { owner: ownerOf };

  beforeAll(async () => {
    const config = { credentials: { config: emulator.config }, apiUrl: emulator.url };
    const testing = await Test.createTestingModule({
      imports: [
        BoxAuthModule.forRoot({ ...config, tenants: [enterprise()] }),
        BoxConnectionsModule.forRoot({ ...optionsFor(emulator, { vault }), routes }),
        BoxConnectionsModule.forRoot({ ...optionsFor(emulator), name: 'hr' }),
        BoxHttpModule,
        BoxSdkModule,
      ],
      controllers: [
        FilesController,
        TenantsController,
        InAnotherController,
        InheritingController,
        ReplacingController,
        NamedController,
      ],
    }).compile();
    app =
      platform === 'Fastify'
        ? testing.createNestApplication(new FastifyAdapter(), { logger: false })
        : testing.createNestApplication({ logger: false });
    app.useGlobalFilters(new BoxAuthExceptionFilter(app.get(HttpAdapterHost)));
    await app.listen(0, '127.0.0.1');
    connections = app.get(BoxConnections);
    serviceAccount = await whoAmI(app.get(BoxFetch));
    await connect(connections, 'ann', ALICE);
    await connect(connections, 'ben', BOB);
    await connect(connections, 'ann', BOB, 'work');
    await connect(connections, 'once', ALICE);
  });
  afterAll(() => app.close());

  async function get(path: string, session?: string): Promise<Response> {
    const headers = session === undefined ? undefined : { 'x-session': session };
    return fetch(`${await app.getUrl()}/${path}`, { ...(headers && { headers }) });
  }
  const text = async (path: string, session?: string) => (await get(path, session)).text();

  /** Whether Box saw a call with a token of the app, or on behalf of a user. */
  const usedTheApp = () =>
    emulator.apiRequests.some(
      ({ subject, actingUser }) => subject?.type !== 'user' || actingUser !== undefined,
    ) || emulator.tokenRequests.some(({ body }) => body?.['grant_type'] !== 'refresh_token');

  it.each([
    'BoxFetch',
    'HttpService',
    'SDK',
    'undici',
    'fetch-of-connections',
    'getHeaders',
    'later',
    'stream',
  ])('makes the calls of a handler with the own account of the person: %s', async (path) => {
    expect(await text(`files/${path}`, 'ann')).toBe(ALICE);
    expect(await text(`files/${path}`, 'ben')).toBe(BOB);
    expect(emulator.apiRequests.map(({ subject }) => subject)).toEqual([
      { type: 'user', id: ALICE },
      { type: 'user', id: BOB },
    ]);
    expect(usedTheApp()).toBe(false);
  });

  it('makes them with it in server-sent events', async () => {
    expect(await text('files/events', 'ann')).toMatch(/data: 11111[^]*data: 11111/);
    expect(usedTheApp()).toBe(false);
  });

  it('never mixes two people, with 40 requests at once', async () => {
    crossing = new Crossing(40);
    const sessions = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? 'ann' : 'ben'));
    const seen = await Promise.all(sessions.map((session) => text('files/crossing', session)));
    expect(seen).toEqual(sessions.map((session) => (session === 'ann' ? ALICE : BOB)));
    expect(usedTheApp()).toBe(false);
  });

  it('asks for the person once for each request, also if it is on the class and the handler', async () => {
    expect(await text('files/twice', 'ann')).toBe(ALICE);
    expect(resolved).toBe(1);
  });

  it('selects one of several accounts by its label', async () => {
    expect(await text('files/work', 'ann')).toBe(BOB);
  });

  it('selects one of several apps by its name', async () => {
    expect((await get('hr', 'ann')).status).toBe(401);
    await connect(app.get(Symbol.for('nestjs-box-auth.BoxConnections.hr')), 'ann', BOB);
    expect(await text('hr', 'ann')).toBe(BOB);
  });

  it('has no acting user', async () => {
    expect(await (await get('files/acting-user', 'ann')).json()).toEqual({ id: 'nobody' });
  });

  it.each([
    ['files/service-account', () => serviceAccount],
    ['files/tenant', () => serviceAccount],
    ['files/carol', () => CAROL],
    ['replaced/BoxFetch', () => serviceAccount],
  ])('is replaced by the other decorators: %s', async (path, expected) => {
    expect(await text(path, 'ann')).toBe(expected());
    expect(resolved).toBe(0);
  });

  it.each(['tenants', 'inherited/BoxFetch'])(
    'replaces the others, and is inherited: %s',
    async (path) => {
      expect(await text(path, 'ann')).toBe(ALICE);
      expect(usedTheApp()).toBe(false);
    },
  );

  it('replaces an outer runAs', async () => {
    expect(await text('in-another', 'ann')).toBe(ALICE);
    expect(await text('in-another')).toBe(serviceAccount);
  });

  it('serves a request without a person with the token of the app, but only with `optional`', async () => {
    expect(await text('files/optional')).toBe(serviceAccount);
    expect(await text('files/optional', 'ann')).toBe(ALICE);
    expect((await get('files/optional', 'dora')).status).toBe(401);
  });

  it('rejects a request without a person before the handler runs', async () => {
    const response = await get('files/BoxFetch');
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({
      statusCode: 401,
      message: 'This request needs a signed-in user.',
      error: 'Unauthorized',
    });
    expect(handled).toBe(0);
    expect(emulator.requests).toEqual([]);
  });

  it('responds with 401 and the path that connects an account to a person without one', async () => {
    const response = await get('files/BoxFetch', 'dora');
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({
      statusCode: 401,
      message: 'This request needs a connected account.',
      error: 'Unauthorized',
      code: 'connection_missing',
      connectUrl: '/box/connect',
    });
    expect(emulator.requests).toEqual([]);
  });

  it.each(['BoxFetch', 'HttpService', 'SDK'])(
    'responds with 401 once the person has removed the app at Box: %s',
    async (path) => {
      await connect(connections, 'once', CAROL);
      emulator.revokeUserConnection(CAROL);
      const response = await get(`files/${path}`, 'once');
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({
        code: 'reauthorization_required',
        connectUrl: '/box/connect',
      });
    },
  );

  it('never makes a call with the token of the app, whatever its function returns', async () => {
    const ids = fc.oneof(
      fc.constantFrom<unknown>(
        'ann',
        'ben',
        'dora',
        '',
        null,
        undefined,
        0,
        7,
        true,
        {},
        [],
        'é\0',
      ),
      fc.string({ maxLength: 300 }),
      fc.anything(),
    );
    const results = fc.tuple(ids, fc.constantFrom('returns', 'resolves', 'rejects', 'throws'));
    const paths = fc.constantFrom('files/BoxFetch', 'files/SDK', 'files/later', 'tenants');
    await fc.assert(
      fc.asyncProperty(results, paths, async ([id, how], path) => {
        const failure = new Error('The sessions are unavailable.');
        given = {
          owner: () => {
            if (how === 'throws') throw failure;
            if (how === 'rejects') return Promise.reject(failure);
            return how === 'returns' ? id : Promise.resolve(id);
          },
        };
        emulator.clearRequests();
        const response = await get(path);
        const person = id === 'ann' ? ALICE : id === 'ben' ? BOB : undefined;
        const isServed = person !== undefined && (how === 'returns' || how === 'resolves');
        expect(response.ok).toBe(isServed);
        if (isServed) expect(await response.text()).toBe(person);
        expect(usedTheApp()).toBe(false);
      }),
      { numRuns: 150 },
    );
  });

  it('never makes a call with the token of the app while the vault is unavailable', async () => {
    given = { owner: () => 'fresh' };
    const load = vault.load.bind(vault);
    vault.load = () => Promise.reject(new Error('The database is away.'));
    const response = await get('files/BoxFetch').finally(() => {
      vault.load = load;
    });
    expect(response.status).toBe(503);
    expect(usedTheApp()).toBe(false);
  });
});

import type { IncomingMessage } from 'node:http';
import type { Server } from 'node:net';
import { Controller, type INestApplication, type INestMicroservice } from '@nestjs/common';
import {
  Field,
  GqlExecutionContext,
  GraphQLModule,
  ObjectType,
  Query,
  ResolveField,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import {
  type ClientProxy,
  ClientProxyFactory,
  MessagePattern,
  Payload,
  Transport,
} from '@nestjs/microservices';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { WsAdapter } from '@nestjs/platform-ws';
import { Test } from '@nestjs/testing';
import {
  MessageBody,
  type OnGatewayConnection,
  SubscribeMessage,
  WebSocketGateway,
} from '@nestjs/websockets';
import { concatMap, firstValueFrom, from, type Observable, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ActingEnterprise,
  AsUser,
  BoxAuthModule,
  BoxFetch,
  type EnterpriseResolver,
  ForEnterprise,
} from 'nestjs-box-auth';
import { ANN, credentials, OTHER_TENANT, TENANT, TenantBox } from '../../support/tenant-box.js';
import { JsonSocket } from './transport-fixture.js';

/** The server's own record of who is signed in. */
const sessions = new Map([
  ['seven', TENANT],
  ['eight', OTHER_TENANT],
  ['nine', '9'],
]);
const tenantOf = (session: unknown): string | undefined => sessions.get(String(session));

let api: TenantBox;
beforeEach(() => {
  api = new TenantBox();
});

const boxModule = (tenantRequired = false) =>
  BoxAuthModule.forRoot({
    credentials,
    fetch: api.fetch,
    tenants: async (id) => id === TENANT || id === OTHER_TENANT,
    tenantRequired,
  });

/** Whose token a call carries, and for whom it acts. */
async function seen(fetch: BoxFetch): Promise<string> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  const response = await fetch('/2.0/folders/0');
  const { token, asUser } = (await response.json()) as { token: string; asUser?: string };
  return asUser === undefined ? token : `${token} as ${asUser}`;
}

const calls = Array.from({ length: 20 }, (_, call) => call);
const sessionOf = (call: number): string => (call % 2 === 0 ? 'seven' : 'eight');
const seenOf = (call: number): string => (call % 2 === 0 ? 'enterprise:7' : 'enterprise:8');

const fromRequest: EnterpriseResolver = (context) =>
  tenantOf(
    GqlExecutionContext.create(context).getContext<{
      req: { headers: { authorization?: string } };
    }>().req.headers.authorization,
  );

@ObjectType()
class Folder {
  @Field(() => String)
  name!: string;
}

@Resolver(() => Folder)
@ForEnterprise(fromRequest)
class FoldersResolver {
  constructor(private readonly box: BoxFetch) {}

  @Query(() => Folder)
  async folder(@ActingEnterprise() id: string): Promise<Folder> {
    return { name: `${id} ${await seen(this.box)}` };
  }

  @ResolveField(() => String)
  owner(): Promise<string> {
    return seen(this.box);
  }

  @Query(() => String)
  @ForEnterprise(OTHER_TENANT)
  fixed(): Promise<string> {
    return seen(this.box);
  }

  @Query(() => String)
  @AsUser(ANN)
  asUser(): Promise<string> {
    return seen(this.box);
  }

  @Subscription(() => String, { resolve: (news: string) => news })
  async *news(): AsyncGenerator<string> {
    for (let sent = 0; sent < 2; sent += 1) yield await seen(this.box);
  }
}

describe('A GraphQL handler with @ForEnterprise', () => {
  let app: INestApplication;
  let url: string;
  async function start(
    options: Partial<MercuriusDriverConfig> = {},
    tenantRequired = false,
  ): Promise<void> {
    const testing = await Test.createTestingModule({
      imports: [
        boxModule(tenantRequired),
        GraphQLModule.forRoot<MercuriusDriverConfig>({
          driver: MercuriusDriver,
          autoSchemaFile: true,
          subscription: { context: (_socket, req) => ({ req }) },
          ...options,
        }),
      ],
      providers: [FoldersResolver],
    }).compile();
    app = testing.createNestApplication(new FastifyAdapter());
    app.useLogger(false);
    await app.listen(0, '127.0.0.1');
    url = `${await app.getUrl()}/graphql`;
  }
  afterEach(() => app.close());

  async function ask(
    query: string,
    session = '',
  ): Promise<{ data: unknown; errors?: readonly { message: string }[] }> {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: session },
      body: JSON.stringify({ query }),
    });
    return response.json() as ReturnType<typeof ask>;
  }

  it('is for the tenant of its request, also with a user', async () => {
    await start();
    expect((await ask('{ folder { name } asUser fixed }', 'seven')).data).toEqual({
      folder: { name: '7 enterprise:7' },
      asUser: `enterprise:7 as ${ANN}`,
      fixed: 'enterprise:8',
    });
  });

  it('never mixes tenants', async () => {
    await start();
    const answers = await Promise.all(
      calls.map((call) => ask('{ folder { name } }', sessionOf(call))),
    );
    for (const call of calls) {
      const name = `${tenantOf(sessionOf(call))} ${seenOf(call)}`;
      expect(answers[call]?.data).toEqual({ folder: { name } });
    }
  });

  it.each([
    ['', '@ForEnterprise on FoldersResolver.folder returned no enterprise.'],
    ['nine', 'Calls for enterprise 9 are not allowed: the function `tenants` did not return true.'],
  ])('fails before the handler runs: session %j', async (session, message) => {
    await start();
    const { data, errors } = await ask('{ folder { name } }', session);
    expect(data).toBeNull();
    expect(errors).toMatchObject([{ message }]);
    expect(api.tokenRequests).toEqual([]);
  });

  it('is kept in the generator of a subscription', async () => {
    await start();
    const socket = await JsonSocket.open(
      url.replace('http', 'ws'),
      'eight',
      'graphql-transport-ws',
    );
    socket.send({ type: 'connection_init' });
    await socket.take(1);
    socket.send({ id: '1', type: 'subscribe', payload: { query: 'subscription { news }' } });
    const message = { payload: { data: { news: 'enterprise:8' } } };
    expect(await socket.take(2)).toMatchObject([message, message]);
    socket.close();
  });

  it('is for the tenant in field resolvers with fieldResolverEnhancers', async () => {
    await start({ fieldResolverEnhancers: ['interceptors'] });
    expect((await ask('{ folder { owner } }', 'seven')).data).toEqual({
      folder: { owner: 'enterprise:7' },
    });
  });

  it('fails in field resolvers without them, with `tenantRequired`: Nest runs no interceptor', async () => {
    await start({}, true);
    const { errors } = await ask('{ folder { owner } }', 'seven');
    expect(errors).toMatchObject([{ message: 'A call to Box names no enterprise.' }]);
    expect(api.tokenRequests).toEqual(['enterprise:7']);
  });
});

interface Message {
  readonly session?: string;
}

@Controller()
@ForEnterprise((context) => tenantOf(context.switchToRpc().getData<Message>().session))
class MessagesController {
  constructor(private readonly box: BoxFetch) {}

  @MessagePattern('folder')
  async folder(@Payload() _message: Message, @ActingEnterprise() id: string): Promise<string> {
    return `${id} ${await seen(this.box)}`;
  }

  @MessagePattern('stream')
  stream(): Observable<string> {
    return from([1, 2]).pipe(concatMap(() => seen(this.box)));
  }

  @MessagePattern('as-user')
  @AsUser(ANN)
  asUser(): Promise<string> {
    return seen(this.box);
  }
}

describe('A handler of a microservice with @ForEnterprise', () => {
  let app: INestMicroservice;
  let client: ClientProxy;
  beforeEach(async () => {
    const testing = await Test.createTestingModule({
      imports: [boxModule()],
      controllers: [MessagesController],
    }).compile();
    app = testing.createNestMicroservice({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port: 0 },
      logger: false,
    });
    await app.listen();
    const address = app.unwrap<Server>().address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    client = ClientProxyFactory.create({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port },
    });
  });
  afterEach(async () => {
    await client.close();
    await app.close();
  });

  const ask = (pattern: string, session?: string): Promise<unknown> =>
    firstValueFrom(
      client.send<unknown, Message>(pattern, session === undefined ? {} : { session }),
    );

  it('is for the tenant of its message, also with a user and in a stream', async () => {
    expect(await ask('folder', 'seven')).toBe('7 enterprise:7');
    expect(await ask('as-user', 'seven')).toBe(`enterprise:7 as ${ANN}`);
    const stream = client.send<unknown, Message>('stream', { session: 'eight' });
    expect(await firstValueFrom(stream.pipe(toArray()))).toEqual(['enterprise:8', 'enterprise:8']);
  });

  it('never mixes tenants', async () => {
    const answers = await Promise.all(calls.map((call) => ask('folder', sessionOf(call))));
    for (const call of calls) {
      expect(answers[call]).toBe(`${tenantOf(sessionOf(call))} ${seenOf(call)}`);
    }
  });

  it.each([undefined, 'nine'])('fails before the handler runs: session %j', async (session) => {
    await expect(ask('folder', session)).rejects.toEqual({
      status: 'error',
      message: 'Internal server error',
    });
    expect(api.tokenRequests).toEqual([]);
  });
});

const connected = new WeakMap<object, string>();

@WebSocketGateway()
@ForEnterprise((context) => connected.get(context.switchToWs().getClient<object>()))
class FoldersGateway implements OnGatewayConnection<object> {
  constructor(private readonly box: BoxFetch) {}

  handleConnection(client: object, request: IncomingMessage): void {
    const tenant = tenantOf(request.headers.authorization);
    if (tenant !== undefined) connected.set(client, tenant);
  }

  @SubscribeMessage('folder')
  async folder(@MessageBody() call: number, @ActingEnterprise() id: string) {
    return { event: 'folder', data: [call, id, await seen(this.box)] };
  }

  @SubscribeMessage('as-user')
  @AsUser(ANN)
  async asUser() {
    return { event: 'as-user', data: await seen(this.box) };
  }
}

describe('A handler of a gateway with @ForEnterprise', () => {
  let app: INestApplication;
  let url: string;
  const sockets: JsonSocket[] = [];
  beforeEach(async () => {
    const testing = await Test.createTestingModule({
      imports: [boxModule()],
      providers: [FoldersGateway],
    }).compile();
    app = testing.createNestApplication();
    app.useWebSocketAdapter(new WsAdapter(app));
    app.useLogger(false);
    await app.listen(0, '127.0.0.1');
    url = (await app.getUrl()).replace('http', 'ws');
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.close();
    await app.close();
  });

  async function open(session?: string): Promise<JsonSocket> {
    const socket = await JsonSocket.open(url, session);
    sockets.push(socket);
    return socket;
  }

  it('is for the tenant of its socket, and never mixes tenants', async () => {
    const pair = [await open('seven'), await open('eight')] as const;
    for (const call of calls) pair[call % 2 === 0 ? 0 : 1].send({ event: 'folder', data: call });
    const answers = (await Promise.all(pair.map((socket) => socket.take(10)))).flat();
    for (const call of calls) {
      const data = [call, tenantOf(sessionOf(call)), seenOf(call)];
      expect(answers).toContainEqual({ event: 'folder', data });
    }
    expect(new Set(api.tokenRequests)).toEqual(new Set(['enterprise:7', 'enterprise:8']));
  });

  it('acts for a user of the tenant', async () => {
    const socket = await open('seven');
    socket.send({ event: 'as-user', data: '' });
    expect(await socket.take(1)).toEqual([{ event: 'as-user', data: `enterprise:7 as ${ANN}` }]);
  });

  it.each([undefined, 'nine'])('fails before the handler runs: session %j', async (session) => {
    const socket = await open(session);
    socket.send({ event: 'folder', data: 1 });
    expect(await socket.take(1)).toMatchObject([{ event: 'exception' }]);
    expect(api.tokenRequests).toEqual([]);
  });
});

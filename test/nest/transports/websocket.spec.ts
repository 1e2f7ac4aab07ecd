import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import type { ExecutionContext, INestApplication } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import { Test } from '@nestjs/testing';
import {
  MessageBody,
  type OnGatewayConnection,
  SubscribeMessage,
  WebSocketGateway,
} from '@nestjs/websockets';
import { concatMap, from, map, merge, type Observable, of, Subject } from 'rxjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ActingUser, AsServiceAccount, AsUser, BoxFetch } from 'nestjs-box-auth';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import {
  ALICE,
  asUsersSeenBy,
  BOB,
  boxIdOf,
  boxModule,
  Crossing,
  expectCallsOfBoth,
  expectNoSecret,
  expectOneCallAs,
  expectOneCallWithTokenOf,
  JsonSocket,
  KeptLog,
  personOf,
  sessionOf,
  whoAmI,
  whoAmILater,
} from './transport-fixture.js';

interface Answer {
  readonly event: string;
  readonly data: unknown;
}

/** Who is at the other end of a socket is known from when it was opened. */
const connected = new WeakMap<object, string>();
const fromSocket = (context: ExecutionContext) =>
  connected.get(context.switchToWs().getClient<object>());

let resolvers = new Crossing(1);
let handlers = new Crossing(1);
const fromSocketLate = async (context: ExecutionContext) => {
  await resolvers.arrive();
  return fromSocket(context);
};

@WebSocketGateway()
@AsUser(fromSocket)
class FilesGateway implements OnGatewayConnection<object> {
  readonly changes = new Subject<number>();

  constructor(private readonly box: BoxFetch) {}

  handleConnection(client: object, request: IncomingMessage): void {
    const id = boxIdOf(request.headers.authorization);
    if (id !== undefined) connected.set(client, id);
  }

  @SubscribeMessage('me')
  async me(@ActingUser() actingUser: string | undefined): Promise<Answer> {
    return { event: 'me', data: { id: await whoAmI(this.box), actingUser } };
  }

  @SubscribeMessage('late')
  async late(): Promise<Answer> {
    return { event: 'late', data: await whoAmILater(this.box) };
  }

  @SubscribeMessage('stream')
  stream(): Observable<Answer> {
    return from([1, 2, 3]).pipe(
      concatMap(() => whoAmILater(this.box)),
      map((data) => ({ event: 'stream', data })),
    );
  }

  @SubscribeMessage('crossing')
  @AsUser(fromSocketLate)
  async crossing(
    @MessageBody('call') call: number,
    @ActingUser() actingUser: string | undefined,
  ): Promise<Answer> {
    const before = await whoAmI(this.box);
    await handlers.arrive();
    const data = [call, actingUser, before, await whoAmILater(this.box)];
    return { event: 'crossing', data };
  }

  /** What a Subject sends through a function runs in the context of whoever made it emit, unless the function is bound. */
  @SubscribeMessage('watch')
  watch(): Observable<Answer> {
    const whoWatches = AsyncResource.bind(() => whoAmI(this.box));
    const changes = this.changes.pipe(
      concatMap(async () => [await whoWatches(), await whoAmI(this.box)]),
      map((data) => ({ event: 'changed', data })),
    );
    return merge(of({ event: 'watching', data: '' }), changes);
  }

  @SubscribeMessage('change')
  async change(): Promise<Answer> {
    const data = await whoAmI(this.box);
    this.changes.next(1);
    return { event: 'change', data };
  }

  @SubscribeMessage('robot')
  @AsServiceAccount()
  async robot(@ActingUser() actingUser: string | undefined): Promise<Answer> {
    return { event: 'robot', data: { id: await whoAmI(this.box), actingUser } };
  }

  @SubscribeMessage('optional')
  @AsUser(fromSocket, { optional: true })
  async optional(): Promise<Answer> {
    return { event: 'optional', data: await whoAmI(this.box) };
  }

  @SubscribeMessage('own-token')
  @AsUser(fromSocket, { via: 'token' })
  async ownToken(@ActingUser() actingUser: string | undefined): Promise<Answer> {
    return { event: 'own-token', data: { id: await whoAmI(this.box), actingUser } };
  }
}

@WebSocketGateway({ path: '/plain' })
class PlainGateway {
  constructor(private readonly box: BoxFetch) {}

  @SubscribeMessage('plain')
  async plain(): Promise<Answer> {
    return { event: 'plain', data: await whoAmI(this.box) };
  }

  @SubscribeMessage('decorated')
  @AsUser(() => Promise.resolve(ALICE))
  async decorated(): Promise<Answer> {
    return { event: 'decorated', data: await whoAmI(this.box) };
  }
}

let emulator: BoxEmulator;
beforeAll(async () => {
  emulator = await BoxEmulator.start();
});
afterAll(() => emulator.stop());

describe('A WebSocket gateway', () => {
  let app: INestApplication;
  let url: string;
  let log: KeptLog;
  let sockets: JsonSocket[];

  beforeEach(async () => {
    emulator.clearRequests();
    emulator.userTokensEnabled = true;
    sockets = [];
    const testing = await Test.createTestingModule({
      imports: [boxModule(emulator)],
      providers: [FilesGateway, PlainGateway],
    }).compile();
    app = testing.createNestApplication();
    app.useWebSocketAdapter(new WsAdapter(app));
    log = new KeptLog();
    app.useLogger(log);
    await app.listen(0, '127.0.0.1');
    url = (await app.getUrl()).replace('http', 'ws');
  });
  afterEach(async () => {
    for (const socket of sockets) socket.close();
    await app.close();
  });

  async function open(session?: string, path = '/'): Promise<JsonSocket> {
    const socket = await JsonSocket.open(`${url}${path}`, session);
    sockets.push(socket);
    return socket;
  }

  /** The only answer to the event, on a socket of its own. */
  async function ask(event: string, session?: string, path?: string): Promise<unknown> {
    const socket = await open(session, path);
    socket.send({ event, data: { sent: event } });
    const [answer] = await socket.take(1);
    return answer;
  }

  it('acts for the user that a resolver on the class returns by the socket', async () => {
    expect(await ask('me', 'bob-session')).toEqual({
      event: 'me',
      data: { id: BOB, actingUser: BOB },
    });
    expectOneCallAs(emulator, BOB);
  });

  it('acts for the user that a resolver on the method returns', async () => {
    expect(await ask('decorated', undefined, '/plain')).toEqual({
      event: 'decorated',
      data: ALICE,
    });
    expectOneCallAs(emulator, ALICE);
  });

  it('keeps the user across awaits, timers and turns of the event loop', async () => {
    expect(await ask('late', 'bob-session')).toEqual({ event: 'late', data: BOB });
    expectOneCallAs(emulator, BOB);
  });

  it('keeps the user in an Observable of several messages', async () => {
    const socket = await open('alice-session');
    socket.send({ event: 'stream' });
    const message = { event: 'stream', data: ALICE };
    expect(await socket.take(3)).toEqual([message, message, message]);
    expect(asUsersSeenBy(emulator)).toEqual([ALICE, ALICE, ALICE]);
  });

  it('keeps the user of a bound function when another request makes a shared Subject emit', async () => {
    const alice = await open('alice-session');
    const bob = await open('bob-session');
    alice.send({ event: 'watch' });
    await alice.take(1);
    bob.send({ event: 'change' });
    expect(await bob.take(1)).toEqual([{ event: 'change', data: BOB }]);
    expect(await alice.take(1)).toEqual([{ event: 'changed', data: [ALICE, BOB] }]);
    expect(asUsersSeenBy(emulator)).toEqual([BOB, ALICE, BOB]);
  });

  it('never mixes two users, with 40 messages on two sockets at once', async () => {
    resolvers = new Crossing(40);
    handlers = new Crossing(40);
    const calls = Array.from({ length: 40 }, (_, call) => call);
    const pair = [await open(sessionOf(0)), await open(sessionOf(1))] as const;
    for (const call of calls)
      pair[call % 2 === 0 ? 0 : 1].send({ event: 'crossing', data: { call } });
    const answers = (await Promise.all(pair.map((socket) => socket.take(20)))).flat();
    const expected = calls.map((call) => ({
      event: 'crossing',
      data: [call, personOf(call), personOf(call), personOf(call)],
    }));
    expect(answers).toHaveLength(40);
    expect(answers).toEqual(expect.arrayContaining(expected));
    expectCallsOfBoth(emulator, 40);
  });

  it.each(['nobody', undefined])(
    'rejects a message of %s without a call to Box',
    async (session) => {
      expect(await ask('me', session)).toEqual({
        event: 'exception',
        data: {
          status: 'error',
          message: 'Internal server error',
          cause: { pattern: 'me', data: { sent: 'me' } },
        },
      });
      expect(emulator.requests).toEqual([]);
      expect(log.lines.join()).toContain(
        'The resolver of @AsUser on FilesGateway.me returned no user',
      );
    },
  );

  it('rejects an invalid id without a call to Box', async () => {
    expect(await ask('me', 'crooked-session')).toMatchObject({ event: 'exception' });
    expect(emulator.requests).toEqual([]);
  });

  it('serves an unauthenticated request as the service account with `optional: true`', async () => {
    expect(await ask('optional')).toEqual({ event: 'optional', data: emulator.serviceAccountId });
    expectOneCallAs(emulator, undefined);
  });

  it('sends a token of the user with `via: "token"`', async () => {
    expect(await ask('own-token', 'bob-session')).toMatchObject({
      data: { id: BOB, actingUser: BOB },
    });
    expectOneCallWithTokenOf(emulator, BOB);
  });

  it('acts for the service account in a handler with @AsServiceAccount', async () => {
    expect(await ask('robot', 'alice-session')).toEqual({
      event: 'robot',
      data: { id: emulator.serviceAccountId },
    });
    expectOneCallAs(emulator, undefined);
  });

  it('takes no acting user from the client', async () => {
    const socket = await open(ALICE, `/plain?as-user=${ALICE}`);
    socket.send({ event: 'plain', data: { 'as-user': ALICE, actingUser: ALICE } });
    expect(await socket.take(1)).toEqual([{ event: 'plain', data: emulator.serviceAccountId }]);
    expectOneCallAs(emulator, undefined);
  });

  it('shows the client no cause of an error, and its log no secret', async () => {
    emulator.userTokensEnabled = false;
    const answer = await ask('own-token', 'alice-session');
    expect(answer).toMatchObject({
      event: 'exception',
      data: { status: 'error', message: 'Internal server error' },
    });
    expect(emulator.tokenRequests[0]?.body).toHaveProperty('assertion');
    expect(log.lines.join()).toContain('user_tokens_not_enabled');
    expectNoSecret(emulator, JSON.stringify(answer), ...log.lines);
  });
});

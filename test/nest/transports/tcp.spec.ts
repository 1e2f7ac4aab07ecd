import type { Server } from 'node:net';
import {
  Controller,
  type ExecutionContext,
  type INestMicroservice,
  Injectable,
} from '@nestjs/common';
import {
  type ClientProxy,
  ClientProxyFactory,
  EventPattern,
  MessagePattern,
  Payload,
  type TcpContext,
  type TcpSocket,
  Transport,
} from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { concatMap, EMPTY, firstValueFrom, from, type Observable, Subject, toArray } from 'rxjs';
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
  KeptLog,
  personOf,
  sessionOf,
  whoAmI,
  whoAmILater,
} from './transport-fixture.js';

interface Message {
  readonly session?: string;
}

const fromData = (context: ExecutionContext) =>
  boxIdOf(context.switchToRpc().getData<Message>().session);

/** Who opened a connection is known from when it was opened. */
const connected = new WeakMap<object, string>();
const fromConnection = (context: ExecutionContext) =>
  connected.get(socketOf(context.switchToRpc().getContext<TcpContext>()));

function socketOf(context: TcpContext): TcpSocket['netSocket'] {
  return context.getSocketRef().netSocket;
}

let resolvers = new Crossing(1);
let handlers = new Crossing(1);
const fromDataLate = async (context: ExecutionContext) => {
  await resolvers.arrive();
  return fromData(context);
};

/** What handlers of events, which answer nobody, have seen. */
@Injectable()
class Diary {
  readonly entries = new Subject<unknown>();
}

@Controller()
@AsUser(fromData)
class FilesController {
  constructor(
    private readonly box: BoxFetch,
    private readonly diary: Diary,
  ) {}

  @MessagePattern('me')
  async me(@ActingUser() actingUser: string | undefined) {
    return { id: await whoAmI(this.box), actingUser };
  }

  @MessagePattern('late')
  late() {
    return whoAmILater(this.box);
  }

  @MessagePattern('stream')
  stream(): Observable<string> {
    return from([1, 2, 3]).pipe(concatMap(() => whoAmILater(this.box)));
  }

  @MessagePattern('crossing')
  @AsUser(fromDataLate)
  async crossing(@Payload() _message: Message, @ActingUser() actingUser: string | undefined) {
    const before = await whoAmI(this.box);
    await handlers.arrive();
    return [actingUser, before, await whoAmILater(this.box)];
  }

  @EventPattern('changed')
  async changed(@Payload() _message: Message) {
    this.diary.entries.next(await whoAmILater(this.box));
  }

  @EventPattern('changed-stream')
  changedStream(@Payload() _message: Message): Observable<string> {
    return from([1, 2]).pipe(
      concatMap(() => whoAmILater(this.box)),
      concatMap((id) => {
        this.diary.entries.next(id);
        return EMPTY;
      }),
    );
  }

  @MessagePattern('connection')
  @AsUser(fromConnection)
  connection() {
    return whoAmI(this.box);
  }

  @MessagePattern('robot')
  @AsServiceAccount()
  async robot(@ActingUser() actingUser: string | undefined) {
    return { id: await whoAmI(this.box), actingUser };
  }

  @MessagePattern('optional')
  @AsUser(fromData, { optional: true })
  optional() {
    return whoAmI(this.box);
  }

  @MessagePattern('own-token')
  @AsUser(fromData, { via: 'token' })
  async ownToken(@ActingUser() actingUser: string | undefined) {
    return { id: await whoAmI(this.box), actingUser };
  }
}

@Controller()
class PlainController {
  constructor(private readonly box: BoxFetch) {}

  @MessagePattern('plain')
  plain() {
    return whoAmI(this.box);
  }

  @MessagePattern('decorated')
  @AsUser(fromData)
  decorated() {
    return whoAmI(this.box);
  }
}

let emulator: BoxEmulator;
beforeAll(async () => {
  emulator = await BoxEmulator.start();
});
afterAll(() => emulator.stop());

describe('A TCP microservice', () => {
  let app: INestMicroservice;
  let client: ClientProxy;
  let log: KeptLog;

  beforeEach(async () => {
    emulator.clearRequests();
    emulator.userTokensEnabled = true;
    const testing = await Test.createTestingModule({
      imports: [boxModule(emulator)],
      controllers: [FilesController, PlainController],
      providers: [Diary],
    }).compile();
    app = testing.createNestMicroservice({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port: 0 },
    });
    log = new KeptLog();
    app.useLogger(log);
    await app.listen();
    client = ClientProxyFactory.create({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port: port() },
    });
  });
  afterEach(async () => {
    await client.close();
    await app.close();
  });

  function port(): number {
    const address = app.unwrap<Server>().address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return address.port;
  }

  function ask(pattern: string, session?: string): Promise<unknown> {
    return firstValueFrom(client.send<unknown, Message>(pattern, messageOf(session)));
  }

  /** What the client of a failed message gets. */
  async function refusal(pattern: string, session?: string): Promise<unknown> {
    try {
      await ask(pattern, session);
    } catch (error) {
      return error;
    }
    throw new Error('it was expected to fail, and did not');
  }

  function messageOf(session?: string): Message {
    return session === undefined ? {} : { session };
  }

  it('acts for the user that a resolver on the class returns in the data', async () => {
    expect(await ask('me', 'bob-session')).toEqual({ id: BOB, actingUser: BOB });
    expectOneCallAs(emulator, BOB);
  });

  it('acts for the user that a resolver on the method returns', async () => {
    expect(await ask('decorated', 'alice-session')).toBe(ALICE);
    expectOneCallAs(emulator, ALICE);
  });

  it('acts for the user that a resolver returns by the context of the message', async () => {
    app.unwrap<Server>().once('connection', (socket) => connected.set(socket, ALICE));
    expect(await ask('connection')).toBe(ALICE);
    expectOneCallAs(emulator, ALICE);
  });

  it('keeps the user across awaits, timers and turns of the event loop', async () => {
    expect(await ask('late', 'bob-session')).toBe(BOB);
    expectOneCallAs(emulator, BOB);
  });

  it('keeps the user in a response of several values', async () => {
    const values = client.send<string, Message>('stream', messageOf('alice-session'));
    expect(await firstValueFrom(values.pipe(toArray()))).toEqual([ALICE, ALICE, ALICE]);
    expect(asUsersSeenBy(emulator)).toEqual([ALICE, ALICE, ALICE]);
  });

  it.each([
    ['changed', [BOB]],
    ['changed-stream', [BOB, BOB]],
  ])('acts for the user in a handler of the event %s', async (pattern, expected) => {
    const entries = app.get(Diary).entries;
    const written: unknown[] = [];
    const all = new Promise<void>((resolve) => {
      entries.subscribe((entry) => {
        if (written.push(entry) === expected.length) resolve();
      });
    });
    client.emit(pattern, messageOf('bob-session'));
    await all;
    expect(written).toEqual(expected);
    expect(asUsersSeenBy(emulator)).toEqual(expected);
  });

  it('never mixes two users, with 40 messages on one connection at once', async () => {
    resolvers = new Crossing(40);
    handlers = new Crossing(40);
    const calls = Array.from({ length: 40 }, (_, call) => call);
    const answers = await Promise.all(calls.map((call) => ask('crossing', sessionOf(call))));
    expect(answers).toEqual(calls.map((call) => [personOf(call), personOf(call), personOf(call)]));
    expectCallsOfBoth(emulator, 40);
  });

  it.each(['nobody', undefined])(
    'rejects a message of %s without a call to Box',
    async (session) => {
      expect(await refusal('me', session)).toEqual({
        status: 'error',
        message: 'Internal server error',
      });
      expect(emulator.requests).toEqual([]);
      expect(log.lines.join()).toContain(
        'The resolver of @AsUser on FilesController.me returned no',
      );
    },
  );

  it('rejects an invalid id without a call to Box', async () => {
    expect(await refusal('me', 'crooked-session')).toMatchObject({ status: 'error' });
    expect(emulator.requests).toEqual([]);
  });

  it('serves an unauthenticated request as the service account with `optional: true`', async () => {
    expect(await ask('optional')).toBe(emulator.serviceAccountId);
    expectOneCallAs(emulator, undefined);
  });

  it('sends a token of the user with `via: "token"`', async () => {
    expect(await ask('own-token', 'bob-session')).toEqual({ id: BOB, actingUser: BOB });
    expectOneCallWithTokenOf(emulator, BOB);
  });

  it('acts for the service account in a handler with @AsServiceAccount', async () => {
    expect(await ask('robot', 'alice-session')).toEqual({ id: emulator.serviceAccountId });
    expectOneCallAs(emulator, undefined);
  });

  it('takes no acting user from the client', async () => {
    const forged = { session: ALICE, actingUser: ALICE, 'as-user': ALICE };
    expect(await firstValueFrom(client.send<unknown>('plain', forged))).toBe(
      emulator.serviceAccountId,
    );
    expectOneCallAs(emulator, undefined);
  });

  it('shows the client no cause of an error, and its log no secret', async () => {
    emulator.userTokensEnabled = false;
    const error = await refusal('own-token', 'alice-session');
    expect(error).toEqual({ status: 'error', message: 'Internal server error' });
    expect(emulator.tokenRequests[0]?.body).toHaveProperty('assertion');
    expect(log.lines.join()).toContain('user_tokens_not_enabled');
    expectNoSecret(emulator, JSON.stringify(error), ...log.lines);
  });
});

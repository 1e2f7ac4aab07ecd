import type { ExecutionContext, Type } from '@nestjs/common';
import {
  Args,
  Context,
  Field,
  GqlExecutionContext,
  GraphQLModule,
  ID,
  Int,
  ObjectType,
  Parent,
  Query,
  ResolveField,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { concatMap, from, type Observable } from 'rxjs';
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

interface GraphQLContext {
  readonly req: { readonly headers: { readonly authorization?: string } };
}

const fromRequest = (context: ExecutionContext) =>
  boxIdOf(
    GqlExecutionContext.create(context).getContext<GraphQLContext>().req.headers.authorization,
  );

let resolvers = new Crossing(1);
let handlers = new Crossing(1);
let resolved = 0;
const fromRequestLate = async (context: ExecutionContext) => {
  await resolvers.arrive();
  return fromRequest(context);
};

@ObjectType()
class Person {
  @Field(() => ID)
  id!: string;
}

/** Who Box said it was, and what `@ActingUser()` gave. */
@ObjectType()
class Seen {
  @Field(() => ID)
  id!: string;

  @Field(() => ID, { nullable: true })
  actingUser?: string | undefined;
}

@Resolver(() => Person)
@AsUser((context) => {
  resolved += 1;
  return fromRequest(context);
})
class PeopleResolver {
  constructor(private readonly box: BoxFetch) {}

  @Query(() => Person)
  async person(): Promise<Person> {
    return { id: await whoAmI(this.box) };
  }

  @Query(() => [Person])
  async people(): Promise<Person[]> {
    const id = await whoAmI(this.box);
    return [{ id }, { id }];
  }

  @ResolveField(() => ID)
  field(): Promise<string> {
    return whoAmILater(this.box);
  }

  @ResolveField(() => ID)
  @AsUser(fromRequest)
  decoratedField(@Parent() _person: Person): Promise<string> {
    return whoAmILater(this.box);
  }

  @ResolveField(() => ID)
  @AsServiceAccount()
  robotField(): Promise<string> {
    return whoAmI(this.box);
  }

  @Query(() => Seen)
  async me(@ActingUser() actingUser: string | undefined): Promise<Seen> {
    return { id: await whoAmI(this.box), actingUser };
  }

  @Query(() => ID)
  late(): Promise<string> {
    return whoAmILater(this.box);
  }

  /** GraphQL answers with the last value of an Observable. */
  @Query(() => ID)
  observable(): Observable<string> {
    return from([1, 2]).pipe(concatMap(() => whoAmILater(this.box)));
  }

  @Query(() => [ID])
  @AsUser(fromRequestLate)
  async crossing(@ActingUser() actingUser: string): Promise<string[]> {
    const before = await whoAmI(this.box);
    await handlers.arrive();
    return [actingUser, before, await whoAmILater(this.box)];
  }

  @Query(() => Seen)
  @AsServiceAccount()
  async robot(@ActingUser() actingUser: string | undefined): Promise<Seen> {
    return { id: await whoAmI(this.box), actingUser };
  }

  @Query(() => ID)
  @AsUser(fromRequest, { optional: true })
  optional(): Promise<string> {
    return whoAmI(this.box);
  }

  @Query(() => Seen)
  @AsUser(fromRequest, { via: 'token' })
  async ownToken(@ActingUser() actingUser: string | undefined): Promise<Seen> {
    return { id: await whoAmI(this.box), actingUser };
  }

  @Subscription(() => ID, { resolve: (id: string) => id })
  async *news(@Args('count', { type: () => Int }) count: number): AsyncGenerator<string> {
    for (let sent = 0; sent < count; sent += 1) yield await whoAmILater(this.box);
  }
}

@Resolver()
class PlainResolver {
  constructor(private readonly box: BoxFetch) {}

  @Query(() => ID)
  plain(@Args('asUser') _asUser: string, @Context() _context: GraphQLContext): Promise<string> {
    return whoAmI(this.box);
  }

  @Query(() => ID)
  @AsUser(fromRequest)
  decorated(): Promise<string> {
    return whoAmI(this.box);
  }
}

let emulator: BoxEmulator;
beforeAll(async () => {
  emulator = await BoxEmulator.start();
});
afterAll(() => emulator.stop());

let app: NestFastifyApplication | undefined;
let url: string;
let log: KeptLog;

async function start(
  options: Partial<MercuriusDriverConfig> = {},
  ...providers: Type[]
): Promise<void> {
  emulator.clearRequests();
  emulator.userTokensEnabled = true;
  resolved = 0;
  const testing = await Test.createTestingModule({
    imports: [
      boxModule(emulator),
      GraphQLModule.forRoot<MercuriusDriverConfig>({
        driver: MercuriusDriver,
        autoSchemaFile: true,
        // Mercurius calls the request of a subscription otherwise than that of a query.
        subscription: { context: (_socket, req) => ({ req }) },
        ...options,
      }),
    ],
    providers: [PeopleResolver, PlainResolver, ...providers],
  }).compile();
  app = testing.createNestApplication<NestFastifyApplication>(new FastifyAdapter());
  log = new KeptLog();
  app.useLogger(log);
  await app.listen(0, '127.0.0.1');
  url = `${await app.getUrl()}/graphql`;
}
afterEach(async () => {
  await app?.close();
  app = undefined;
});

interface GraphQLAnswer {
  readonly data: unknown;
  readonly errors?: readonly { readonly message: string }[];
}

async function ask(query: string, session?: string): Promise<GraphQLAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(session !== undefined && { authorization: session }),
    },
    body: JSON.stringify({ query }),
  });
  return (await response.json()) as GraphQLAnswer;
}

describe('A GraphQL handler', () => {
  beforeEach(() => start());

  it('acts for the user that a resolver on the class returns in the request', async () => {
    const { data } = await ask('{ me { id actingUser } }', 'bob-session');
    expect(data).toEqual({ me: { id: BOB, actingUser: BOB } });
    expectOneCallAs(emulator, BOB);
  });

  it('acts for the user that a resolver on the method returns', async () => {
    expect((await ask('{ decorated }', 'alice-session')).data).toEqual({ decorated: ALICE });
    expectOneCallAs(emulator, ALICE);
  });

  it.each(['late', 'observable'])('keeps the user across awaits: %s', async (field) => {
    expect((await ask(`{ ${field} }`, 'bob-session')).data).toEqual({ [field]: BOB });
    expect(new Set(asUsersSeenBy(emulator))).toEqual(new Set([BOB]));
  });

  it('never mixes two users, with 40 requests at once', async () => {
    resolvers = new Crossing(40);
    handlers = new Crossing(40);
    const calls = Array.from({ length: 40 }, (_, call) => call);
    const answers = await Promise.all(calls.map((call) => ask('{ crossing }', sessionOf(call))));
    expect(answers.map(({ data }) => data)).toEqual(
      calls.map((call) => ({ crossing: [personOf(call), personOf(call), personOf(call)] })),
    );
    expectCallsOfBoth(emulator, 40);
  });

  it('never mixes the users of the fields of one query', async () => {
    const { data } = await ask('{ late robot { id } optional ownToken { id } }', 'alice-session');
    expect(data).toEqual({
      late: ALICE,
      robot: { id: emulator.serviceAccountId },
      optional: ALICE,
      ownToken: { id: ALICE },
    });
    expect(asUsersSeenBy(emulator)).toHaveLength(4);
    expect(asUsersSeenBy(emulator).filter((id) => id === ALICE)).toHaveLength(2);
    expect(asUsersSeenBy(emulator).filter((id) => id === undefined)).toHaveLength(2);
  });

  it.each(['nobody', undefined])(
    'rejects a request of %s without a call to Box',
    async (session) => {
      const { data, errors } = await ask('{ me { id } }', session);
      expect(data).toBeNull();
      expect(errors).toEqual([
        {
          message: 'The resolver of @AsUser on PeopleResolver.me returned no user.',
          locations: [{ line: 1, column: 3 }],
          path: ['me'],
        },
      ]);
      expect(emulator.requests).toEqual([]);
    },
  );

  it('rejects an invalid id without a call to Box', async () => {
    const { errors } = await ask('{ me { id } }', 'crooked-session');
    expect(errors?.[0]?.message).toContain('expected a Box user id');
    expect(JSON.stringify(errors)).not.toContain('alice@example.com');
    expect(emulator.requests).toEqual([]);
  });

  it('serves an unauthenticated request as the service account with `optional: true`', async () => {
    expect((await ask('{ optional }')).data).toEqual({ optional: emulator.serviceAccountId });
    expectOneCallAs(emulator, undefined);
  });

  it('sends a token of the user with `via: "token"`', async () => {
    const { data } = await ask('{ ownToken { id actingUser } }', 'bob-session');
    expect(data).toEqual({ ownToken: { id: BOB, actingUser: BOB } });
    expectOneCallWithTokenOf(emulator, BOB);
  });

  it('acts for the service account in a handler with @AsServiceAccount', async () => {
    const { data } = await ask('{ robot { id actingUser } }', 'alice-session');
    expect(data).toEqual({ robot: { id: emulator.serviceAccountId, actingUser: null } });
    expectOneCallAs(emulator, undefined);
  });

  it('takes no acting user from the client', async () => {
    const response = await fetch(`${url}?as-user=${ALICE}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'as-user': ALICE, authorization: ALICE },
      body: JSON.stringify({ query: `{ plain(asUser: "${ALICE}") }` }),
    });
    expect(await response.json()).toEqual({ data: { plain: emulator.serviceAccountId } });
    expectOneCallAs(emulator, undefined);
  });

  it('shows the client the cause of an error, and no secret', async () => {
    emulator.userTokensEnabled = false;
    const answer = await ask('{ ownToken { id } }', 'alice-session');
    expect(answer.data).toBeNull();
    expect(answer.errors).toHaveLength(1);
    expect(new Set(Object.keys(answer.errors?.[0] ?? {}))).toEqual(
      new Set(['message', 'locations', 'path']),
    );
    expect(emulator.tokenRequests[0]?.body).toHaveProperty('assertion');
    expectNoSecret(emulator, JSON.stringify(answer), ...log.lines);
  });
});

describe('A GraphQL field resolver', () => {
  const fields = '{ person { id field decoratedField robotField } }';

  it('acts for the service account by default: Nest runs no interceptor around it', async () => {
    await start();
    const robot = emulator.serviceAccountId;
    expect((await ask(fields, 'alice-session')).data).toEqual({
      person: { id: ALICE, field: robot, decoratedField: robot, robotField: robot },
    });
    expect(resolved).toBe(1);
  });

  it('acts for the user with fieldResolverEnhancers, which call the resolver for each field', async () => {
    await start({ fieldResolverEnhancers: ['interceptors'] });
    expect((await ask(fields, 'alice-session')).data).toEqual({
      person: {
        id: ALICE,
        field: ALICE,
        decoratedField: ALICE,
        robotField: emulator.serviceAccountId,
      },
    });
    expect(resolved).toBe(2);
  });

  it('acts for its own user in every item, in requests of both at once', async () => {
    await start({ fieldResolverEnhancers: ['interceptors'] });
    const calls = Array.from({ length: 20 }, (_, call) => call);
    const answers = await Promise.all(
      calls.map((call) => ask('{ people { id field } }', sessionOf(call))),
    );
    for (const call of calls) {
      const person = { id: personOf(call), field: personOf(call) };
      expect(answers[call]?.data).toEqual({ people: [person, person] });
    }
    expectCallsOfBoth(emulator, 30);
  });
});

describe('A GraphQL subscription', () => {
  beforeEach(() => start());

  async function subscribe(session?: string): Promise<JsonSocket> {
    const socket = await JsonSocket.open(
      url.replace('http', 'ws'),
      session,
      'graphql-transport-ws',
    );
    socket.send({ type: 'connection_init' });
    await socket.take(1);
    socket.send({
      id: '1',
      type: 'subscribe',
      payload: { query: 'subscription { news(count: 2) }' },
    });
    return socket;
  }

  it('acts for the user in its whole generator, also between two messages', async () => {
    const socket = await subscribe('bob-session');
    const message = { type: 'next', id: '1', payload: { data: { news: BOB } } };
    expect(await socket.take(2)).toEqual([message, message]);
    expect(asUsersSeenBy(emulator)).toEqual([BOB, BOB]);
    socket.close();
  });

  it('never mixes several users at once', async () => {
    const calls = Array.from({ length: 10 }, (_, call) => call);
    const sockets = await Promise.all(calls.map((call) => subscribe(sessionOf(call))));
    for (const call of calls) {
      const message = { payload: { data: { news: personOf(call) } } };
      expect(await sockets[call]?.take(2)).toMatchObject([message, message]);
    }
    expectCallsOfBoth(emulator, 10);
    for (const socket of sockets) socket.close();
  });

  it('is rejected without a user, and without a call to Box', async () => {
    const socket = await subscribe();
    expect(await socket.take(1)).toMatchObject([
      {
        type: 'error',
        payload: [{ message: 'The resolver of @AsUser on PeopleResolver.news returned no user.' }],
      },
    ]);
    expect(emulator.requests).toEqual([]);
    socket.close();
  });
});

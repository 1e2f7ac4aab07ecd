import { Readable } from 'node:stream';
import { setTimeout as inAWhile } from 'node:timers/promises';
import {
  Controller,
  type ExecutionContext,
  Get,
  type INestApplication,
  Param,
  Query,
  Sse,
  StreamableFile,
} from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { concatMap, from, map, type Observable, of } from 'rxjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  ActingUser,
  AsServiceAccount,
  AsUser,
  BoxAuthModule,
  BoxFetch,
  BoxTokenProvider,
} from 'nestjs-box-auth';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { thrownBy } from '../support/thrown.js';

const fromHeader = (context: ExecutionContext) =>
  context.switchToHttp().getRequest<{ headers: Record<string, string | undefined> }>().headers[
    'x-person'
  ];

let resolved = 0;

@Controller('alice')
@AsUser('11111')
class AliceController {
  constructor(private readonly box: BoxFetch) {}

  @Get()
  whole(@ActingUser() actingUser: string | undefined) {
    return me(this.box, actingUser);
  }

  @Get('robot')
  @AsServiceAccount()
  robot(@ActingUser() actingUser: string | undefined) {
    return me(this.box, actingUser);
  }

  @Get('bob')
  @AsUser(() => Promise.resolve('22222'))
  bob(@ActingUser() actingUser: string | undefined) {
    return me(this.box, actingUser);
  }
}

@Controller('person')
@AsUser((context) => {
  resolved += 1;
  return fromHeader(context);
})
class PersonController {
  constructor(
    private readonly box: BoxFetch,
    private readonly provider: BoxTokenProvider,
  ) {}

  @Get()
  get(@ActingUser() actingUser: string | undefined) {
    return me(this.box, actingUser);
  }

  @Get('twice')
  @AsUser((context) => {
    resolved += 1;
    return fromHeader(context);
  })
  twice() {
    return me(this.box);
  }

  @Get('late')
  async late(): Promise<unknown> {
    await inAWhile(1);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    return me(this.box);
  }

  @Get('observable')
  observable(): Observable<unknown> {
    return from([1, 2]).pipe(concatMap(() => me(this.box)));
  }

  @Sse('events')
  events(): Observable<{ data: unknown }> {
    return of(1, 2).pipe(
      concatMap(() => me(this.box)),
      map((data) => ({ data: JSON.stringify(data) })),
    );
  }

  @Get('stream')
  stream(): StreamableFile {
    const box = this.box;
    async function* lines() {
      await inAWhile(1);
      yield JSON.stringify(await me(box));
    }
    return new StreamableFile(Readable.from(lines()));
  }

  @Get('lazy-stream')
  lazyStream(): StreamableFile {
    const box = this.box;
    const stream = new Readable({
      read() {
        void me(box).then((answer) => {
          this.push(JSON.stringify(answer));
          this.push(null);
        });
      },
    });
    return new StreamableFile(stream);
  }

  @Get('run-as')
  async runAs(): Promise<unknown> {
    const other = await this.provider.runAs('22222', () => me(this.box));
    return [other, await me(this.box)];
  }
}

@Controller('anybody')
@AsUser(fromHeader, { optional: true })
class AnybodyController {
  constructor(private readonly box: BoxFetch) {}

  @Get()
  get() {
    return me(this.box);
  }
}

@Controller('own-token')
@AsUser(fromHeader, { via: 'token' })
class OwnTokenController {
  constructor(private readonly box: BoxFetch) {}

  @Get()
  get(@ActingUser() actingUser: string | undefined) {
    return me(this.box, actingUser);
  }
}

@Controller('nobody-decorated')
class PlainController {
  constructor(private readonly box: BoxFetch) {}

  @Get(':id')
  get(@Param('id') _id: string, @Query('as-user') _asUser?: string) {
    return me(this.box);
  }
}

async function me(box: BoxFetch, actingUser?: string): Promise<unknown> {
  const response = await box('/2.0/users/me');
  const { id } = (await response.json()) as { id: string };
  return actingUser === undefined ? { id } : { id, actingUser };
}

let emulator: BoxEmulator;
beforeAll(async () => {
  emulator = await BoxEmulator.start();
});
afterAll(() => emulator.stop());

describe.each([
  ['Express', undefined],
  ['Fastify', () => new FastifyAdapter()],
])('On %s', (_, adapter) => {
  let app: INestApplication;
  let url: string;

  beforeEach(async () => {
    emulator.clearRequests();
    const testing = await Test.createTestingModule({
      imports: [
        BoxAuthModule.forRoot({ credentials: { config: emulator.config }, apiUrl: emulator.url }),
      ],
      controllers: [
        AliceController,
        PersonController,
        AnybodyController,
        OwnTokenController,
        PlainController,
      ],
    }).compile();
    app =
      adapter === undefined
        ? testing.createNestApplication()
        : testing.createNestApplication(adapter());
    app.useLogger(false);
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });
  afterEach(() => app.close());

  async function get(path: string, person?: string): Promise<unknown> {
    const response = await fetch(`${url}${path}`, {
      headers: person === undefined ? {} : { 'x-person': person },
    });
    return response.ok ? response.json() : response.status;
  }

  it('a controller acts for its user', async () => {
    expect(await get('/alice')).toEqual({ id: '11111', actingUser: '11111' });
  });

  it('@AsServiceAccount on a handler overrides its controller', async () => {
    expect(await get('/alice/robot')).toEqual({ id: emulator.serviceAccountId });
  });

  it('@AsUser on a handler overrides its controller', async () => {
    expect(await get('/alice/bob')).toEqual({ id: '22222', actingUser: '22222' });
  });

  it('a resolver is called once for each request', async () => {
    resolved = 0;
    expect(await get('/person', '22222')).toEqual({ id: '22222', actingUser: '22222' });
    expect(resolved).toBe(1);
    expect(await get('/person/twice', '11111')).toEqual({ id: '11111' });
    expect(resolved).toBe(2);
  });

  it('the user survives timers, Observables and server-sent events', async () => {
    expect(await get('/person/late', '22222')).toEqual({ id: '22222' });
    expect(await get('/person/observable', '22222')).toEqual({ id: '22222' });
    const events = await fetch(`${url}/person/events`, { headers: { 'x-person': '22222' } });
    expect((await events.text()).match(/"id":"22222"/g)).toHaveLength(2);
  });

  it('the user survives in a stream that is read after the handler has returned', async () => {
    expect(await get('/person/stream', '22222')).toEqual({ id: '22222' });
    expect(await get('/person/lazy-stream', '22222')).toEqual({ id: '22222' });
  });

  it('the user of a request is not visible to a subscriber of token$', async () => {
    const provider = app.get(BoxTokenProvider);
    const seen: Promise<unknown>[] = [];
    const watching = provider.token$().subscribe(() => seen.push(me(app.get(BoxFetch))));
    await provider.getToken();
    provider.flush();
    await get('/person', '22222');
    watching.unsubscribe();
    expect(await Promise.all(seen)).toEqual([
      { id: emulator.serviceAccountId },
      { id: emulator.serviceAccountId },
    ]);
  });

  it('runAs acts for another user, only inside its function', async () => {
    expect(await get('/person/run-as', '11111')).toEqual([{ id: '22222' }, { id: '11111' }]);
  });

  it('an unauthenticated request fails without a call to Box', async () => {
    expect(await get('/person')).toBe(500);
    expect(emulator.requests).toEqual([]);
  });

  it.each(['alice', '11111 ', '1e5', '-1', '11111,22222', '٣', '1'.repeat(21)])(
    'a request with an invalid user id fails without a call to Box: %j',
    async (id) => {
      expect(await get('/person', encodeURI(id))).toBe(500);
      expect(emulator.requests).toEqual([]);
    },
  );

  it('an unauthenticated request is served as the service account with `optional: true`', async () => {
    expect(await get('/anybody')).toEqual({ id: emulator.serviceAccountId });
    expect(await get('/anybody', '11111')).toEqual({ id: '11111' });
  });

  it("`via: 'token'` sends a token of the user and no as-user", async () => {
    expect(await get('/own-token', '22222')).toEqual({ id: '22222', actingUser: '22222' });
    const [call] = emulator.apiRequests;
    expect(call?.subject).toEqual({ type: 'user', id: '22222' });
    expect(call?.actingUser).toBeUndefined();
  });

  it('nothing that a client sends selects the acting user', async () => {
    const response = await fetch(`${url}/nobody-decorated/11111?as-user=11111`, {
      headers: { 'as-user': '11111', 'x-person': '11111', authorization: 'Bearer mine' },
    });
    expect(await response.json()).toEqual({ id: emulator.serviceAccountId });
    expect(emulator.apiRequests[0]?.headers).not.toHaveProperty('as-user');
    expect(emulator.apiRequests[0]?.headers['authorization']).not.toBe('Bearer mine');
  });
});

// oxlint-disable-next-line vitest/require-top-level-describe -- of the decorator itself
it('An unknown `via` is rejected when the class is defined', async () => {
  const error = await thrownBy(() => AsUser('11111', { via: 'Header' as never }));
  expect(error.code).toBe('option_invalid');
});

describe('An acting user', () => {
  it('that is invalid fails when the class is defined', async () => {
    expect((await thrownBy(() => AsUser('alice'))).code).toBe('acting_user_invalid');
  });

  it('that is invalid fails runAs before its function runs', async () => {
    const provider = (
      await Test.createTestingModule({
        imports: [BoxAuthModule.forRoot({ credentials: { developerToken: 'x' } })],
      }).compile()
    ).get(BoxTokenProvider);
    const work = vi.fn<() => void>();
    expect((await thrownBy(() => provider.runAs('alice\r\nx: y', work))).code).toBe(
      'acting_user_invalid',
    );
    expect(work).not.toHaveBeenCalled();
  });
});

import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import {
  type ArgumentsHost,
  type CallHandler,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  Get,
  Injectable,
  type NestInterceptor,
  Post,
  UseFilters,
  UseInterceptors,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { catchError, from, map } from 'rxjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AsUser, BoxAuthModule, BoxFetch, BoxTokenProvider } from 'nestjs-box-auth';
import { BoxEmulator } from 'nestjs-box-auth/testing';

interface PersonRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Runs a function in the async context of the handler. */
  inHandlerContext?: <T>(fn: () => T) => T;
}

/** Stands for the user that a guard has found. */
const userOf = (request: PersonRequest) => request.headers['x-person'] ?? '';
const signedIn = (context: ExecutionContext) =>
  userOf(context.switchToHttp().getRequest<PersonRequest>());

const ALICE = '11111';
const BOB = '22222';
const ME = '/2.0/users/me';

/** Of Fastify: Express has none. */
const HOOKS = ['preSerialization', 'onSend'] as const;

/** One at a time, as limiters do it: whatever ends a task starts the next one, in its own async context. */
class Limiter {
  readonly #waiting: (() => Promise<void>)[] = [];
  #isBusy = false;

  schedule<T>(task: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => task().then(resolve, reject));
      if (!this.#isBusy) void this.#next();
    });
  }

  async #next(): Promise<void> {
    this.#isBusy = true;
    await this.#waiting.shift()?.();
    this.#isBusy = false;
    if (this.#waiting.length > 0) void this.#next();
  }
}

@Catch()
class ReportingFilter implements ExceptionFilter {
  constructor(
    private readonly host: HttpAdapterHost,
    private readonly box: BoxFetch,
    private readonly provider: BoxTokenProvider,
  ) {}

  async catch(error: Error, host: ArgumentsHost): Promise<void> {
    const request = host.switchToHttp().getRequest<PersonRequest>();
    const report = () => this.box(ME, { method: 'HEAD' });
    if (error.message === 'plainly') await report();
    if (error.message === 'by runAs') await this.provider.runAs(userOf(request), report);
    if (error.message === 'by snapshot') await request.inHandlerContext?.(report);
    this.host.httpAdapter.reply(host.switchToHttp().getResponse(), {}, 500);
  }
}

/** Comes after `@AsUser`, so that it runs in the context of the handler. */
@Injectable()
class SnapshotInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    context.switchToHttp().getRequest<PersonRequest>().inHandlerContext =
      AsyncLocalStorage.snapshot();
    return next.handle();
  }
}

@Injectable()
class CatchingInterceptor implements NestInterceptor {
  constructor(private readonly box: BoxFetch) {}

  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(
      catchError(() => from(this.box(ME))),
      map(() => ({})),
    );
  }
}

// Decorators apply from the bottom up: `@AsUser` stands below the interceptors that need its user.
@Controller()
@UseFilters(ReportingFilter)
@UseInterceptors(SnapshotInterceptor)
@AsUser(signedIn)
class TasksController {
  @Get('fails/plainly')
  plainly() {
    throw new Error('plainly');
  }

  @Get('fails/by-run-as')
  byRunAs() {
    throw new Error('by runAs');
  }

  @Get('fails/by-snapshot')
  bySnapshot() {
    throw new Error('by snapshot');
  }

  @Get('fails/in-interceptor')
  @UseInterceptors(CatchingInterceptor)
  inInterceptor() {
    throw new Error('in an interceptor');
  }

  @Post('hooked')
  hooked() {
    return {};
  }
}

@Controller('outer')
@AsUser(signedIn)
@UseInterceptors(CatchingInterceptor)
class OuterController {
  @Get()
  fails() {
    throw new Error('in an interceptor before @AsUser');
  }
}

let emulator: BoxEmulator;
beforeAll(async () => {
  emulator = await BoxEmulator.start();
});
beforeEach(() => emulator.clearRequests());
afterAll(() => emulator.stop());

const actingUsers = () => emulator.apiRequests.map(({ actingUser }) => actingUser);

describe.each(['Express', 'Fastify'])('After a handler with @AsUser, on %s', (platform) => {
  let close: () => Promise<void>;
  let url: string;
  let app: NestFastifyApplication;
  beforeEach(async () => {
    const testing = await Test.createTestingModule({
      imports: [
        BoxAuthModule.forRoot({ credentials: { config: emulator.config }, apiUrl: emulator.url }),
      ],
      controllers: [TasksController, OuterController],
    }).compile();
    app =
      platform === 'Fastify'
        ? testing.createNestApplication(new FastifyAdapter())
        : testing.createNestApplication();
    app.useLogger(false);
    close = () => app.close();
    await app.init();
  });
  afterEach(() => close());

  async function listen(): Promise<void> {
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  }

  const get = async (path: string, person = ALICE) => {
    const response = await fetch(`${url}${path}`, { headers: { 'x-person': person } });
    return response.text();
  };

  it('a filter acts for the service account, unless it passes the user or enters the context', async () => {
    await listen();
    await get('/fails/plainly');
    await get('/fails/by-run-as');
    await get('/fails/by-snapshot');
    expect(actingUsers()).toEqual([undefined, ALICE, ALICE]);
  });

  it('an interceptor that catches the error acts for the user, before or after @AsUser', async () => {
    await listen();
    await get('/fails/in-interceptor');
    await get('/outer');
    expect(actingUsers()).toEqual([ALICE, ALICE]);
  });

  it.each(platform === 'Fastify' ? HOOKS : [])(
    'a hook %s calls as the service account, unless it names the user or enters the context',
    async (name) => {
      const [box, provider] = [app.get(BoxFetch), app.get(BoxTokenProvider)];
      const call = () => box(ME);
      app
        .getHttpAdapter()
        .getInstance()
        .addHook(name, async (fastifyRequest: object) => {
          const request = fastifyRequest as PersonRequest;
          await call();
          await provider.runAs(userOf(request), call);
          await request.inHandlerContext?.(call);
        });
      await listen();
      await fetch(`${url}/hooked`, { method: 'POST', headers: { 'x-person': ALICE } });
      expect(actingUsers()).toEqual([undefined, ALICE, ALICE]);
    },
  );
});

describe('A limiter', () => {
  it.each([
    ['as the user of the task before it', (task: () => Promise<unknown>) => task, [ALICE, ALICE]],
    [
      'as its own user, if the task is bound',
      (task: () => Promise<unknown>) => AsyncResource.bind(task),
      [ALICE, BOB],
    ],
  ] as const)('runs a task %s', async (_, bound, expected) => {
    const testing = await Test.createTestingModule({
      imports: [
        BoxAuthModule.forRoot({ credentials: { config: emulator.config }, apiUrl: emulator.url }),
      ],
    }).compile();
    const [box, provider] = [testing.get(BoxFetch), testing.get(BoxTokenProvider)];
    const limiter = new Limiter();
    const call = () => limiter.schedule(bound(() => box(ME)));
    await Promise.all([ALICE, BOB].map((person) => provider.runAs(person, call)));
    expect(actingUsers()).toEqual(expected);
    await testing.close();
  });
});

import {
  type ArgumentsHost,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  HttpException,
  Inject,
  type INestApplication,
  Injectable,
  Module,
  NotFoundException,
} from '@nestjs/common';
import { HttpModule, HttpService } from '@nestjs/axios';
import { APP_FILTER, HttpAdapterHost, NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { BoxClient } from 'box-node-sdk';
import { firstValueFrom, type Observable } from 'rxjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  AsUser,
  boxApiError,
  BoxAuthExceptionFilter,
  BoxAuthModule,
  BoxFetch,
} from 'nestjs-box-auth';
import { BoxHttpModule } from 'nestjs-box-auth/axios';
import { BoxSdkModule } from 'nestjs-box-auth/sdk';
import { BoxEmulator, type Fault } from 'nestjs-box-auth/testing';
import { type LoopbackServer, startServer } from '../support/loopback-server.js';
import { thrownBy } from '../support/thrown.js';

const PATH = '/2.0/folders/404404';
const PLAIN_HTTP = Symbol('the HttpService of another API');

let box: BoxEmulator;
let foreign: LoopbackServer;
beforeAll(async () => {
  box = await BoxEmulator.start();
  foreign = await startServer((_, response) =>
    response.writeHead(429, { 'retry-after': '7' }).end(),
  );
});
beforeEach(() => box.heal());
afterEach(() => vi.useRealTimers());
afterAll(() => Promise.all([box.stop(), foreign.stop()]));

@Injectable()
class OtherApi {
  constructor(readonly http: HttpService) {}
}

@Module({
  imports: [HttpModule],
  providers: [
    { provide: PLAIN_HTTP, inject: [HttpService], useFactory: (http: HttpService) => http },
  ],
  exports: [PLAIN_HTTP],
})
class OtherApiModule {}

@Controller()
class FailingController {
  constructor(
    private readonly http: HttpService,
    private readonly client: BoxClient,
    private readonly boxFetch: BoxFetch,
    @Inject(PLAIN_HTTP) private readonly plain: HttpService,
  ) {}

  @Get('HttpService')
  byHttpService(): Observable<unknown> {
    return this.http.get(PATH);
  }

  @Get('stream')
  byStream(): Observable<unknown> {
    return this.http.get(PATH, { responseType: 'stream' });
  }

  @Get('sdk')
  bySdk(): Promise<unknown> {
    return this.client.folders.getFolderById('404404');
  }

  @Get('BoxFetch')
  async byBoxFetch(): Promise<unknown> {
    throw await boxApiError(await this.boxFetch(PATH));
  }

  @Get('foreign')
  foreignCall(): Observable<unknown> {
    return this.http.get(`${foreign.url}/2.0/folders/0`);
  }

  @Get('other-api')
  otherApi(): Observable<unknown> {
    return this.plain.get(foreign.url);
  }

  @Get('teapot')
  teapot(): never {
    throw new HttpException('mine', 418);
  }

  @Get('no-user')
  @AsUser(() => undefined)
  async noUser(): Promise<string> {
    return 'served';
  }
}

/** A filter of the app for its own errors. */
@Catch(HttpException)
class TeapotFilter implements ExceptionFilter {
  constructor(private readonly host: HttpAdapterHost) {}

  catch(error: HttpException, host: ArgumentsHost): void {
    const response: unknown = host.switchToHttp().getResponse();
    this.host.httpAdapter.reply(response, { mine: error.message }, error.getStatus());
  }
}

const logged: string[] = [];
const write = (level: string) => (line: unknown) => logged.push(`${level} ${String(line)}`);
const logger = { log: () => undefined, warn: write('warn'), error: write('error') };

const statuses = { 404: 404, 409: 422 };

@Module({})
class AppModule {
  static create() {
    return {
      module: AppModule,
      imports: [
        BoxAuthModule.forRoot({
          credentials: { config: box.config },
          apiUrl: box.url,
          tokenEndpoint: { attempts: 1 },
        }),
        BoxHttpModule,
        BoxSdkModule.register({
          retryStrategy: { shouldRetry: async () => false, retryAfter: () => 0 },
        }),
        OtherApiModule,
      ],
      controllers: [FailingController],
      providers: [
        OtherApi,
        {
          provide: APP_FILTER,
          inject: [HttpAdapterHost],
          useFactory: (host: HttpAdapterHost) => new BoxAuthExceptionFilter(host, { statuses }),
        },
        { provide: APP_FILTER, useClass: TeapotFilter },
      ],
    };
  }
}

const failWith = (status: number, headers: Record<string, string> = {}): void => {
  const fault: Fault = {
    kind: 'status',
    status,
    headers: { 'content-type': 'application/json', 'box-request-id': 'id-7', ...headers },
    body: { type: 'error', code: `code_${status}`, message: 'Secret plans' },
  };
  box.always('api', fault);
};

const CALLS = ['HttpService', 'stream', 'sdk', 'BoxFetch'];

describe.each([
  ['Express', () => NestFactory.create(AppModule.create(), { logger })],
  ['Fastify', () => NestFactory.create(AppModule.create(), new FastifyAdapter(), { logger })],
])('A failed call to Box in a handler on %s', (_, create) => {
  let app: INestApplication;
  beforeAll(async () => {
    app = await create();
    await app.listen(0, '127.0.0.1');
  });
  beforeEach(() => void logged.splice(0));
  afterAll(() => app.close());
  const get = async (path: string) => fetch(`${await app.getUrl()}/${path}`);

  it.each(CALLS)('becomes a 503 with the Retry-After of a 429 (%s)', async (path) => {
    failWith(429, { 'retry-after': '7' });
    const response = await get(path);
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('7');
    expect(await response.json()).toEqual({
      statusCode: 503,
      message: 'An upstream service is temporarily unavailable.',
      error: 'Service Unavailable',
    });
  });

  it.each(CALLS)('becomes the configured status (%s)', async (path) => {
    failWith(404);
    const response = await get(path);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({
      statusCode: 404,
      message: 'A call to an upstream service failed.',
      error: 'Not Found',
    });
    failWith(409);
    expect((await get(path)).status).toBe(422);
  });

  it.each(CALLS)('becomes a 502 without a configured status (%s)', async (path) => {
    failWith(403);
    expect((await get(path)).status).toBe(502);
  });

  it('is not mapped if it is a rejection by the token endpoint', async () => {
    const other = await NestFactory.create(
      {
        module: AppModule,
        imports: [
          BoxAuthModule.forRoot({ credentials: { config: box.config }, apiUrl: box.url }),
          BoxHttpModule,
        ],
        controllers: [OneCallController],
        providers: [
          {
            provide: APP_FILTER,
            inject: [HttpAdapterHost],
            useFactory: (host: HttpAdapterHost) =>
              new BoxAuthExceptionFilter(host, { statuses: { 400: 400 } }),
          },
        ],
      },
      { logger: false },
    );
    await other.listen(0, '127.0.0.1');
    box.always('token', {
      kind: 'refuse',
      error: 'unauthorized_client',
      errorDescription: 'not authorized',
    });
    expect((await fetch(`${await other.getUrl()}/call`)).status).toBe(502);
    await other.close();
  });

  it.each(['foreign', 'other-api'])('passes on an error of another host (%s)', async (path) => {
    const response = await get(path);
    expect(response.status).toBe(500);
    expect(response.headers.get('retry-after')).toBeNull();
  });

  it('leaves the errors of the app to its own filters', async () => {
    const response = await get('teapot');
    expect([response.status, await response.json()]).toEqual([418, { mine: 'mine' }]);
  });

  it('is a 401 if the request has no acting user', async () => {
    const response = await get('no-user');
    expect([response.status, await response.json()]).toEqual([
      401,
      {
        statusCode: 401,
        message: 'This request needs a signed-in user.',
        error: 'Unauthorized',
      },
    ]);
  });
});

@Controller()
class OneCallController {
  constructor(private readonly http: HttpService) {}

  @Get('call')
  call(): Observable<unknown> {
    return this.http.get(PATH);
  }
}

describe('The log of BoxAuthExceptionFilter', () => {
  let app: INestApplication;
  beforeEach(async () => {
    app = await NestFactory.create(AppModule.create(), { logger });
    await app.listen(0, '127.0.0.1');
    logged.splice(0);
    vi.useFakeTimers({ toFake: ['Date'] });
  });
  afterEach(() => app.close());
  const get = async (path: string) => fetch(`${await app.getUrl()}/${path}`);

  it('has one line a minute for each cause, with the number of suppressed ones', async () => {
    failWith(503);
    for (let request = 0; request < 25; request += 1) await get('HttpService');
    expect(logged).toEqual([
      expect.stringMatching(
        /^error unavailable: Box is not available\. Box returned 503 .*\(Box request id: id-7\)$/,
      ),
    ]);
    await get('sdk'); // the same cause
    failWith(429);
    await get('HttpService');
    expect(logged).toHaveLength(2);

    failWith(503);
    vi.setSystemTime(Date.now() + 60_000);
    await get('HttpService');
    await get('HttpService');
    expect(logged).toHaveLength(3);
    expect(logged[2]).toMatch(/ 25 more requests failed like this since the last such line\.$/);

    vi.setSystemTime(Date.now() + 60_000);
    await get('HttpService');
    expect(logged[3]).toMatch(/ 1 more request failed like this since the last such line\.$/);

    vi.setSystemTime(Date.now() + 60_000);
    await get('HttpService');
    expect(logged[4]).toMatch(/\(Box request id: id-7\)$/);
  });

  it('has a line for each status of Box', async () => {
    for (const status of [403, 410, 403, 410]) {
      failWith(status);
      await get('HttpService');
    }
    expect(logged).toEqual([
      expect.stringMatching(/^error request_refused: Box returned 403 /),
      expect.stringMatching(/^error request_refused: Box returned 410 /),
    ]);
  });

  it('has only a warning for a request that the client must correct', async () => {
    failWith(404);
    await get('HttpService');
    await get('no-user');
    expect(logged.map((line) => line.slice(0, 26))).toEqual([
      'warn request_refused: Box ',
      'warn acting_user_missing: ',
    ]);
  });
});

describe('BoxAuthExceptionFilter', () => {
  it.each([
    ['a status of the wrong type', { 404: '404' }],
    ['a status out of range', { 404: 200 }],
    ['a status of a success', { 200: 404 }],
    ['no object', 404],
  ])('rejects %s', async (_, wrong) => {
    const error = await thrownBy(
      () => new BoxAuthExceptionFilter(new HttpAdapterHost(), { statuses: wrong as never }),
    );
    expect(error.code).toBe('option_invalid');
    expect(error.message).toMatch(/^Invalid `statuses`: expected an object of error statuses/);
  });

  it('does not swallow an error that a subclass catches in addition', () => {
    const filter = new BoxAuthExceptionFilter(new HttpAdapterHost());
    const error = new NotFoundException();
    expect(() => filter.catch(error, {} as ArgumentsHost)).toThrow(error);
  });

  it('reads the stream of a failed call in microservices, WebSockets and GraphQL, too', async () => {
    const { ExecutionContextHost } = await import('@nestjs/core/helpers/execution-context-host.js');
    const app = await NestFactory.create(AppModule.create(), { logger: false });
    const http = app.get(OtherApi, { strict: false }).http;
    const filter = new BoxAuthExceptionFilter(new HttpAdapterHost(), { statuses });
    failWith(404);
    const caught = async (type: string, ...args: unknown[]): Promise<unknown> => {
      const failure: unknown = await firstValueFrom(
        http.get(PATH, { responseType: 'stream' }),
      ).catch((error: unknown) => error);
      const host = new ExecutionContextHost(args);
      host.setType(type);
      return filter.catch(failure, host);
    };
    const message = { status: 'error', message: 'A call to an upstream service failed.' };
    const result = (await caught('rpc')) as Observable<unknown>;
    await expect(firstValueFrom(result)).rejects.toEqual(message);
    const client = { emit: vi.fn<(event: string, data: object) => void>() };
    await caught('ws', client);
    expect(client.emit.mock.calls).toEqual([['exception', message]]);
    expect(await caught('graphql')).toMatchObject({ status: 404 });
    await app.close();
  });
});

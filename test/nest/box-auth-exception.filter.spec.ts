import { Controller, Get, type INestApplication, Module } from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost, NestFactory } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { firstValueFrom, type Observable } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { BoxAuthError, BoxAuthExceptionFilter } from 'nestjs-box-auth';

const errors = {
  passing: new BoxAuthError({
    code: 'rate_limited',
    message: 'Box is busy.',
    hint: 'Wait.',
    docs: 'https://example.com/',
    retryable: true,
    status: 429,
    retryAfterMs: 2_001,
  }),
  lasting: new BoxAuthError({
    code: 'client_invalid',
    message: 'Box does not know the client.',
    hint: 'Check the client id.',
    docs: 'https://example.com/',
    status: 400,
  }),
  foreign: new Error('mine'),
};

@Controller()
class FailingController {
  @Get('passing')
  passing() {
    throw errors.passing;
  }

  @Get('lasting')
  lasting() {
    return Promise.reject(errors.lasting);
  }

  @Get('foreign')
  foreign() {
    throw errors.foreign;
  }
}

@Module({
  controllers: [FailingController],
  providers: [{ provide: APP_FILTER, useClass: BoxAuthExceptionFilter }],
})
class AppModule {}

const logged: unknown[] = [];
const logger = {
  log: () => undefined,
  warn: () => undefined,
  error: (...message: unknown[]) => logged.push(message[0]),
};

describe.each([
  ['Express', () => NestFactory.create(AppModule, { logger })],
  ['Fastify', () => NestFactory.create(AppModule, new FastifyAdapter(), { logger })],
])('BoxAuthExceptionFilter on %s', (_, create) => {
  let app: INestApplication;
  beforeAll(async () => {
    app = await create();
    await app.listen(0, '127.0.0.1');
  });
  afterAll(() => app.close());
  const get = async (path: string) => fetch(`${await app.getUrl()}/${path}`);

  it('responds with 503 and Retry-After to transient errors', async () => {
    const answer = await get('passing');
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('3');
    expect(await answer.json()).toEqual({
      statusCode: 503,
      message: 'An upstream service is temporarily unavailable.',
      error: 'Service Unavailable',
    });
  });

  it('responds with 502 to other errors, and logs the fix', async () => {
    logged.splice(0);
    const answer = await get('lasting');
    expect(answer.status).toBe(502);
    expect(answer.headers.get('retry-after')).toBeNull();
    expect(await answer.text()).not.toMatch(/client/);
    expect(logged).toEqual(['client_invalid: Box does not know the client. Check the client id.']);
  });

  it('leaves other errors to Nest', async () => {
    expect((await get('foreign')).status).toBe(500);
  });
});

describe('BoxAuthExceptionFilter on other transports', () => {
  const filter = new BoxAuthExceptionFilter(new HttpAdapterHost());
  const caught = (type: string, ...args: unknown[]) => {
    const host = new ExecutionContextHost(args);
    host.setType(type);
    return filter.catch(errors.passing, host);
  };

  it('fails a message of a microservice like Nest', async () => {
    const result = caught('rpc') as Observable<unknown>;
    await expect(firstValueFrom(result)).rejects.toEqual({
      status: 'error',
      message: 'An upstream service is temporarily unavailable.',
    });
  });

  it('reports an error to a WebSocket client like Nest', () => {
    const client = { emit: vi.fn<(event: string, message: object) => void>() };
    caught('ws', client);
    expect(client.emit.mock.calls).toEqual([
      [
        'exception',
        { status: 'error', message: 'An upstream service is temporarily unavailable.' },
      ],
    ]);
  });

  it('throws an HttpException for GraphQL', () => {
    expect(caught('graphql')).toMatchObject({ status: 503 });
  });
});

import { Controller, Get, type INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ActingUserResolver, AsUser, BoxFetch } from 'nestjs-box-auth';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import {
  asUsersSeenBy,
  BOB,
  boxIdOf,
  boxModule,
  expectCallsOfBoth,
  personOf,
  sessionOf,
  whoAmI,
  whoAmILater,
} from './transport-fixture.js';

const fromRequest: ActingUserResolver = (context) =>
  boxIdOf(
    context.switchToHttp().getRequest<{ headers: { authorization?: string } }>().headers
      .authorization,
  );

/** Bodies that Nest 12 reads after the handler is done, piece by piece. */
@Controller()
@AsUser(fromRequest)
class BodiesController {
  constructor(private readonly box: BoxFetch) {}

  @Get('generator')
  async *generator(): AsyncGenerator<string> {
    yield await whoAmI(this.box);
    yield await whoAmILater(this.box);
  }

  @Get('iterable')
  iterable(): AsyncIterable<string> {
    const box = this.box;
    let left = 2;
    return {
      [Symbol.asyncIterator]: () => ({
        async next() {
          left -= 1;
          return left < 0
            ? { done: true, value: undefined }
            : { done: false, value: await whoAmI(box) };
        },
      }),
    };
  }

  /** One object for all requests, as a feed of news may be; each reads it from its beginning. */
  readonly #shared: AsyncIterable<string> = {
    [Symbol.asyncIterator]: () => this.generator(),
  };

  @Get('shared')
  shared(): AsyncIterable<string> {
    return this.#shared;
  }

  @Get('web-stream')
  webStream(): ReadableStream<Uint8Array> {
    return this.#pulled();
  }

  @Get('response')
  response(): Response {
    return new Response(this.#pulled());
  }

  #pulled(): ReadableStream<Uint8Array> {
    const box = this.box;
    let left = 2;
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          controller.enqueue(Buffer.from(await whoAmI(box)));
          left -= 1;
          if (left === 0) controller.close();
        },
      },
      { highWaterMark: 0 },
    );
  }
}

let emulator: BoxEmulator;
beforeAll(async () => {
  emulator = await BoxEmulator.start();
});
afterAll(() => emulator.stop());

describe.each([
  ['Express', undefined],
  ['Fastify', () => new FastifyAdapter()],
])('A body that is read after its handler, on %s', (_, adapter) => {
  let app: INestApplication;
  let url: string;

  beforeEach(async () => {
    emulator.clearRequests();
    const testing = await Test.createTestingModule({
      imports: [boxModule(emulator)],
      controllers: [BodiesController],
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

  async function get(path: string, session: string): Promise<string> {
    const response = await fetch(`${url}/${path}`, { headers: { authorization: session } });
    return response.text();
  }

  it.each(['generator', 'iterable', 'web-stream', 'response'])(
    'acts for the user of its handler: %s',
    async (path) => {
      expect(await get(path, 'bob-session')).toBe(BOB + BOB);
      expect(asUsersSeenBy(emulator)).toEqual([BOB, BOB]);
    },
  );

  it('acts for each user if two handlers share an iterable', async () => {
    const calls = Array.from({ length: 20 }, (_value, call) => call);
    const bodies = await Promise.all(calls.map((call) => get('shared', sessionOf(call))));
    expect(bodies).toEqual(calls.map((call) => personOf(call).repeat(2)));
    expectCallsOfBoth(emulator, 20);
  });
});

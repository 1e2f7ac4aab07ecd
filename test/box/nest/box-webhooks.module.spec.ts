import {
  Body,
  Controller,
  type ExecutionContext,
  HttpCode,
  type INestApplication,
  Injectable,
  Logger,
  Module,
  Post,
  Res,
  type Type,
  UseGuards,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BoxAuthExceptionFilter } from 'nestjs-box-auth';
import { signBoxWebhook } from 'nestjs-box-auth/testing';
import {
  BoxWebhook,
  type BoxWebhookEvent,
  BoxWebhooksModule,
  type BoxWebhooksModuleOptions,
  MemoryWebhookDeliveries,
} from 'nestjs-box-auth/webhooks';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { thrownBy } from '../../support/thrown.js';

const keys = { primaryKey: 'primary', secondaryKey: 'secondary' };
const event = {
  trigger: 'FILE.UPLOADED',
  id: 'e1',
  source: { type: 'file', id: '7', name: 'é/1' },
};
const sign = (fields = {}, signing = keys) =>
  signBoxWebhook({ event: { ...event, ...fields }, ...signing });

/** The behavior of the handlers, set by each test. */
let behave: (received: BoxWebhookEvent) => unknown = () => undefined;
const handled: BoxWebhookEvent[] = [];

interface Reply {
  status(code: number): Reply;
  send(body: string): void;
}

@Controller('hooks')
class HooksController {
  @Post('plain')
  async plain(@BoxWebhook() received: BoxWebhookEvent, @Body() body: unknown) {
    handled.push(received);
    await behave(received);
    return { event: received, isSame: JSON.stringify(received) === JSON.stringify(body) };
  }

  @Post('twice')
  @HttpCode(204)
  twice(@BoxWebhook() first: BoxWebhookEvent, @BoxWebhook() second: BoxWebhookEvent) {
    if (first === second) handled.push(first);
  }

  @Post('manual')
  manual(@Res() reply: Reply, @BoxWebhook() received: BoxWebhookEvent) {
    handled.push(received);
    reply.status(202).send('accepted');
  }

  @Post('passthrough')
  passthrough(@Res({ passthrough: true }) reply: Reply, @BoxWebhook() received: BoxWebhookEvent) {
    handled.push(received);
    reply.status(500);
    return 'failed';
  }

  @Post('named')
  @HttpCode(204)
  named(@BoxWebhook('hr') received: BoxWebhookEvent) {
    handled.push(received);
  }
}

const open = new Set<INestApplication>();
afterEach(async () => {
  await Promise.all(Array.from(open, (app) => app.close()));
  open.clear();
  handled.length = 0;
  behave = () => undefined;
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const platforms = {
  Express: () => undefined,
  Fastify: () => new FastifyAdapter(),
} as const;
type Platform = keyof typeof platforms;

interface Setup {
  readonly imports?: readonly unknown[];
  readonly providers?: readonly object[];
  readonly controllers?: readonly Type[];
  readonly rawBody?: boolean;
}

async function start(platform: Platform, setup: Setup = {}): Promise<string> {
  const { imports = [module()], providers = [], controllers = [HooksController] } = setup;
  const hr = BoxWebhooksModule.forRoot({ name: 'hr', primaryKey: 'of hr' });
  const testing = await Test.createTestingModule({
    imports: [...imports, hr] as Type[],
    providers: [...providers] as Type[],
    controllers: [...controllers],
  }).compile();
  const adapter = platforms[platform]();
  const options = { rawBody: setup.rawBody ?? true, logger: false } as const;
  const app =
    adapter === undefined
      ? testing.createNestApplication(options)
      : testing.createNestApplication(adapter, options);
  open.add(app);
  await app.listen(0, '127.0.0.1');
  return `${await app.getUrl()}/hooks`;
}

function module(options: BoxWebhooksModuleOptions = {}) {
  return BoxWebhooksModule.forRoot({ ...keys, ...options });
}

async function post(url: string, webhook = sign()): Promise<Response> {
  const { body, headers } = webhook;
  return await fetch(url, { method: 'POST', body, headers });
}

function errorLog(): string[] {
  const lines: string[] = [];
  for (const level of ['error', 'warn'] as const) {
    vi.spyOn(Logger.prototype, level).mockImplementation((line: unknown) => {
      lines.push(String(line));
    });
  }
  return lines;
}

describe.each(['Express', 'Fastify'] as const)('@BoxWebhook() on %s', (platform) => {
  it('injects the verified event', async () => {
    const response = await post(`${await start(platform)}/plain`);
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({ event, isSame: true });
  });

  it('responds with 403 to a webhook that Box has not signed, and logs why', async () => {
    const lines = errorLog();
    const url = `${await start(platform)}/plain`;
    const { body, headers } = sign();
    const changed = Buffer.from(body.toString().replace('"e1"', '"e2"'));
    const response = await post(url, { body: changed, headers });
    expect([response.status, await response.json()]).toEqual([
      403,
      { statusCode: 403, error: 'Forbidden', message: 'This webhook could not be verified.' },
    ]);
    const bare = await fetch(url, { method: 'POST' });
    expect(bare.status).toBe(403);
    expect(handled).toEqual([]);
    expect(lines).toEqual([
      expect.stringMatching(/^webhook_invalid: No signature of the webhook matches/),
    ]);
  });

  it.each([
    ['no body', '', 'application/json', platform === 'Express' ? 403 : 400],
    ['text', 'hello', 'text/plain', 403],
  ])('refuses %s with signature headers', async (_, body, type, status) => {
    const url = `${await start(platform)}/plain`;
    const headers = { ...sign().headers, 'content-type': type };
    const response = await fetch(url, { method: 'POST', body, headers });
    expect(response.status).toBe(status);
    expect(handled).toEqual([]);
  });

  it('names rawBody if the app does not keep it', async () => {
    const lines = errorLog();
    const response = await post(`${await start(platform, { rawBody: false })}/plain`);
    expect(response.status).toBe(500);
    expect(lines).toEqual([
      expect.stringMatching(/^webhook_raw_body_missing: .*\{ rawBody: true \}/),
    ]);
  });

  it('logs how to raise the limit of the body parser', async () => {
    const lines = errorLog();
    const url = `${await start(platform)}/plain`;
    const large = sign({ source: { name: 'x'.repeat(2_000_000) } });
    expect((await post(url, large)).status).toBe(413);
    expect((await post(url, large)).status).toBe(413);
    const hints = lines.filter((line) => line.startsWith('webhook_raw_body_missing'));
    expect(hints).toEqual([expect.stringMatching(/useBodyParser\('json'.*bodyLimit/)]);
    const unsigned = await fetch(url, {
      method: 'POST',
      body: JSON.stringify('x'.repeat(2_000_000)),
      headers: { 'content-type': 'application/json' },
    });
    expect(unsigned.status).toBe(413);
  });

  it('handles a repeated event once', async () => {
    const deliveries = new MemoryWebhookDeliveries();
    const url = await start(platform, { imports: [module({ deliveries })] });
    const statuses = [];
    for (const path of ['plain', 'plain', 'twice', 'manual']) {
      statuses.push((await post(`${url}/${path}`)).status);
    }
    expect(statuses).toEqual([201, 201, 204, 200]);
    expect(handled).toHaveLength(1);
    expect((await post(`${url}/manual`, sign({ id: 'e2' }))).status).toBe(202);
    expect((await post(`${url}/twice`, sign({ id: 'e3' }))).status).toBe(204);
    expect((await post(`${url}/twice`, sign({ id: 'e3' }))).status).toBe(204);
    expect(handled).toHaveLength(3);
  });

  it('handles an event again after its handler failed', async () => {
    const deliveries = new MemoryWebhookDeliveries();
    const url = await start(platform, { imports: [module({ deliveries })] });
    behave = () => Promise.reject(new Error('failed'));
    expect((await post(`${url}/plain`)).status).toBe(500);
    expect((await post(`${url}/passthrough`)).status).toBe(500);
    behave = () => undefined;
    expect((await post(`${url}/plain`)).status).toBe(201);
    expect((await post(`${url}/passthrough`)).status).toBe(201);
    expect(handled).toHaveLength(3);
  });

  it('responds with 503 to a repeat while the handler runs', async () => {
    const deliveries = new MemoryWebhookDeliveries();
    const url = await start(platform, { imports: [module({ deliveries })] });
    let finish = (): void => undefined;
    const running = new Promise<void>((isRunning) => {
      behave = () => {
        isRunning();
        return new Promise<void>((resolve) => (finish = resolve));
      };
    });
    const first = post(`${url}/plain`);
    await running;
    expect((await post(`${url}/plain`)).status).toBe(503);
    finish();
    expect((await first).status).toBe(201);
    expect((await post(`${url}/plain`)).status).toBe(201);
    expect(handled).toHaveLength(1);
  });

  it('responds with 503 while the deliveries are unavailable', async () => {
    const lines = errorLog();
    const failing = () => Promise.reject(new Error('connect ECONNREFUSED'));
    const deliveries = { claim: failing, complete: failing, release: failing };
    const url = await start(platform, { imports: [module({ deliveries })] });
    expect((await post(`${url}/plain`)).status).toBe(503);
    expect(handled).toEqual([]);
    expect(lines).toEqual([expect.stringContaining('store_unavailable')]);
  });

  it('verifies the webhooks of a named app with its own keys', async () => {
    const url = await start(platform);
    expect((await post(`${url}/named`)).status).toBe(403);
    const ofHr = sign({}, { primaryKey: 'of hr', secondaryKey: 'none' });
    expect((await post(`${url}/named`, ofHr)).status).toBe(204);
    expect((await post(`${url}/plain`, ofHr)).status).toBe(403);
  });

  it('rotates keys without a restart', async () => {
    let current = 'old';
    const url = await start(platform, {
      imports: [BoxWebhooksModule.forRoot({ primaryKey: async () => current })],
    });
    const signedWith = (primaryKey: string) => sign({}, { primaryKey, secondaryKey: 'none' });
    expect((await post(`${url}/plain`, signedWith('old'))).status).toBe(201);
    current = 'new';
    expect((await post(`${url}/plain`, signedWith('old'))).status).toBe(403);
    expect((await post(`${url}/plain`, signedWith('new'))).status).toBe(201);
  });

  it('responds the same with BoxAuthExceptionFilter', async () => {
    const filter = { provide: APP_FILTER, useClass: BoxAuthExceptionFilter };
    const url = `${await start(platform, { providers: [filter] })}/plain`;
    const { body, headers } = sign({}, { primaryKey: 'a', secondaryKey: 'b' });
    expect((await post(url, { body, headers })).status).toBe(403);
    expect((await post(url)).status).toBe(201);
  });
});

describe('The guard of @BoxWebhook()', () => {
  it('runs after global guards and before those of the method', async () => {
    const order: string[] = [];
    const guard = (name: string) => {
      @Injectable()
      class NotingGuard {
        canActivate(_context: ExecutionContext): boolean {
          order.push(name);
          return true;
        }
      }
      return NotingGuard;
    };
    @Controller('hooks')
    class GuardedController {
      @Post('plain')
      @UseGuards(guard('method'))
      plain(@BoxWebhook() received: BoxWebhookEvent) {
        order.push(received.trigger);
      }
    }
    const global = { provide: APP_GUARD, useClass: guard('global') };
    const url = await start('Express', { providers: [global], controllers: [GuardedController] });
    await post(`${url}/plain`);
    expect(order).toEqual(['global', 'method', 'FILE.UPLOADED']);
    order.length = 0;
    expect((await fetch(`${url}/plain`, { method: 'POST' })).status).toBe(403);
    expect(order).toEqual(['global']);
  });
});

describe('BoxWebhooksModule', () => {
  const runtime = new FakeRuntime(Date.now());

  it('reads the keys from the environment', async () => {
    vi.stubEnv('BOX_WEBHOOK_SECONDARY_KEY', 'secondary');
    const url = await start('Express', { imports: [BoxWebhooksModule.forRoot({ runtime })] });
    expect((await post(`${url}/plain`)).status).toBe(201);
    expect((await post(`${url}/plain`, sign({}, { ...keys, secondaryKey: 'x' }))).status).toBe(403);
  });

  it('gets its options from a factory', async () => {
    const useFactory = async () => ({ ...keys, deliveries: new MemoryWebhookDeliveries() });
    const url = await start('Express', {
      imports: [BoxWebhooksModule.forRootAsync({ useFactory })],
    });
    expect((await post(`${url}/plain`)).status).toBe(201);
    expect((await post(`${url}/plain`)).status).toBe(201);
    expect(handled).toHaveLength(1);
  });

  it('is visible only where it is imported if it is not global', async () => {
    @Module({ imports: [module({}), Feature()], controllers: [] })
    class AppModule {}
    function Feature() {
      @Module({
        imports: [BoxWebhooksModule.forRoot({ ...keys, isGlobal: false })],
        controllers: [HooksController],
      })
      class FeatureModule {}
      return FeatureModule;
    }
    const url = await start('Express', { imports: [AppModule], controllers: [] });
    expect((await post(`${url}/plain`)).status).toBe(201);
  });

  const compiled = async (...imports: readonly unknown[]) => {
    const testing = await Test.createTestingModule({ imports: imports as Type[] }).compile();
    await testing.createNestApplication({ logger: false }).init();
  };

  it.each([
    ['no key', () => BoxWebhooksModule.forRoot(), 'BOX_WEBHOOK_PRIMARY_KEY'],
    [
      'no key from a factory',
      () => BoxWebhooksModule.forRootAsync({ useFactory: () => ({}) }),
      'No key',
    ],
    [
      'an unknown option',
      () => BoxWebhooksModule.forRoot({ ...keys, maxAge: 5 } as never),
      'maxAgeMs',
    ],
    ['an empty name', () => BoxWebhooksModule.forRoot({ ...keys, name: '' }), '`name`'],
    [
      'a name from a factory',
      () =>
        BoxWebhooksModule.forRootAsync({ useFactory: () => ({ ...keys, name: 'hr' }) as never }),
      'next to',
    ],
    ['no forRoot', () => BoxWebhooksModule, 'without forRoot()'],
  ])('fails at bootstrap with %s', async (_, make, text) => {
    const error = await thrownBy(async () => compiled(make()));
    expect(error.code).toBe('option_invalid');
    expect(`${error.message} ${error.hint}`).toContain(text);
  });

  it('fails at bootstrap if it is imported twice with the same name', async () => {
    const twice = () => compiled(module(), module());
    expect((await thrownBy(twice)).message).toContain('imported 2 times');
  });
});

import { Logger, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  BoxAuthError as MainBoxAuthError,
  BoxAuthModule,
  BoxTokenProvider,
  onAuthEvent as mainOnAuthEvent,
} from 'nestjs-box-auth';
import {
  boxAuth,
  BoxAuthError,
  type BoxAuthExpressOptions,
  type BoxAuthMiddleware,
  onAuthEvent,
} from 'nestjs-box-auth/express';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { FakeRuntime, settled } from '../support/fake-runtime.js';
import { MemoryTokenStore } from '../support/memory-token-store.js';
import { refuse, ScriptedEndpoint } from '../support/scripted-endpoint.js';
import { thrownBy } from '../support/thrown.js';

const MINUTE = 60_000;

let box: BoxEmulator;
beforeAll(async () => {
  box = await BoxEmulator.start();
});
const open = new Set<() => unknown>();
beforeEach(() => {
  box.heal();
  box.authorized = true;
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  await Promise.all([...open].map((close) => close()));
  open.clear();
});
afterAll(() => box.stop());

function loggerInto(lines: string[], ofSuccess: 'info' | 'log' = 'info') {
  const write = (level: string) => (line: string) => void lines.push(`${level} ${line}`);
  return {
    [ofSuccess]: write(ofSuccess),
    warn: write('warn'),
    error: write('error'),
    debug: write('debug'),
  };
}

const create = (options: BoxAuthExpressOptions = {}): BoxAuthMiddleware => {
  const app = boxAuth({ credentials: { config: box.config }, apiUrl: box.url, ...options });
  open.add(() => app.close());
  return app;
};

/** A wrong clock, an outage of the store for a minute, and failing refreshes until the token expires. */
class BadHour {
  readonly runtime = new FakeRuntime();
  readonly endpoint = new ScriptedEndpoint(this.runtime);
  readonly #store = new MemoryTokenStore(this.runtime);
  #isAway = false;

  get options(): BoxAuthExpressOptions {
    const { runtime, endpoint } = this;
    const guarded =
      <Args extends unknown[], Result>(work: (...args: Args) => Promise<Result>) =>
      (...args: Args): Promise<Result> =>
        this.#isAway ? Promise.reject(new Error('connect ECONNREFUSED')) : work(...args);
    const store = this.#store;
    return {
      // A key that signs at once: with the threads of Node, the fake time would pass before they are done.
      credentials: {
        clientId: 'client',
        clientSecret: 'secret',
        enterpriseId: '1',
        publicKeyId: 'key',
        sign: () => Buffer.alloc(256, 7),
      },
      fetch: endpoint.fetch,
      runtime,
      tokenEndpoint: { attempts: 1 },
      store: {
        claim: guarded((identity, request) => store.claim(identity, request)),
        publish: guarded((...args) => store.publish(...args)),
        invalidate: guarded((...args) => store.invalidate(...args)),
        fail: guarded((...args) => store.fail(...args)),
      },
    };
  }

  async run(getToken: () => Promise<unknown>): Promise<void> {
    const { runtime, endpoint } = this;
    const get = async () => {
      await getToken().catch(() => undefined);
      await settled();
    };
    endpoint.skewMs = 300_000;
    await get();
    this.#isAway = true;
    await runtime.advance(50 * MINUTE);
    await get();
    this.#isAway = false;
    await runtime.advance(MINUTE);
    await runtime.advance(49 * MINUTE);
    endpoint.otherwise = refuse(endpoint, 503, 'unavailable', 'Unavailable');
    await get();
    await runtime.advance(12 * MINUTE);
    await get();
    endpoint.otherwise = endpoint.grant;
    await runtime.advance(2 * MINUTE);
    await get();
  }
}

describe('The log of boxAuth', () => {
  it('has what the Nest module logs: a wrong clock, failing refreshes, an outage of the store', async () => {
    const nest = new BadHour();
    const nestLines: string[] = [];
    const nestLogger: LoggerService = {
      ...loggerInto(nestLines, 'log'),
      log: (line: string) => nestLines.push(`info ${line}`),
    };
    const app = await NestFactory.create(
      { module: class AppModule {}, imports: [BoxAuthModule.forRoot(nest.options)] },
      { logger: nestLogger },
    );
    await app.init();
    nestLines.splice(0);
    await nest.run(() => app.get(BoxTokenProvider).getToken());
    await app.close();
    Logger.overrideLogger(false);

    const hour = new BadHour();
    const lines: string[] = [];
    const middleware = create({ apiUrl: undefined, ...hour.options, logger: loggerInto(lines) });
    await hour.run(() => middleware.provider.getToken());

    expect(lines.map((line) => line.replace(/fingerprint \S+,/, ''))).toEqual(
      nestLines.map((line) => line.replace(/fingerprint \S+,/, '')),
    );
    const important = lines.filter((line) => !line.startsWith('debug '));
    expect(important).toEqual([
      expect.stringMatching(/^warn Clock of this machine is 30[01] s behind the token endpoint's/),
      'warn Token store unavailable (connect ECONNREFUSED); processes share no tokens until it recovers.',
      'info Token store available again; processes share tokens again.',
      expect.stringMatching(
        /^warn Token refresh failed \(unavailable\); serving the current token/,
      ),
      expect.stringMatching(/^error Token request failed \(unavailable\); calls that need this/),
      'info Token requests succeed again.',
    ]);
    expect(lines.filter((line) => line.startsWith('debug Token request (')).length).toBeGreaterThan(
      3,
    );
  });

  it('contains no id of a subject', async () => {
    const lines: string[] = [];
    const middleware = create({ logger: loggerInto(lines) });
    await middleware.provider.getToken({ subject: { type: 'user', id: '11111' } });
    expect(lines).toEqual([
      expect.stringMatching(
        /^debug Token request \(mint\) succeeded: subject type user, usable for \d+ s, fingerprint [\w-]{12}, duration \d+ ms\.$/,
      ),
    ]);
  });

  it('goes to the console without a logger, but not its debug lines', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue();
    const debug = vi.spyOn(console, 'debug').mockReturnValue();
    const middleware = create();
    await middleware.provider.getToken();
    middleware.provider.flush();
    box.authorized = false;
    await thrownBy(() => middleware.provider.getToken());
    expect(log.mock.calls).toEqual([
      [expect.stringMatching(/^Token request failed \(app_not_authorized\); calls that/)],
    ]);
    expect(debug).not.toHaveBeenCalled();
  });

  it('is silent with `logger: false`', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue();
    box.authorized = false;
    await thrownBy(() => create({ logger: false }).provider.getToken());
    expect(log).not.toHaveBeenCalled();
  });

  it('names the app, and uses `log` if the logger has no `info`', async () => {
    const lines: string[] = [];
    const logger = loggerInto(lines, 'log');
    const middleware = create({ logger, name: 'hr', tokenEndpoint: { attempts: 1 } });
    box.authorized = false;
    await thrownBy(() => middleware.provider.getToken());
    box.authorized = true;
    middleware.provider.flush();
    await middleware.provider.getToken();
    expect(lines.filter((line) => !line.startsWith('debug'))).toEqual([
      expect.stringMatching(/^error hr: Token request failed \(app_not_authorized\)/),
      'log hr: Token requests succeed again.',
    ]);
  });

  it.each([
    ['a logger without warn', { error: vi.fn<() => void>(), info: vi.fn<() => void>() }],
    ['a logger without info and log', { error: vi.fn<() => void>(), warn: vi.fn<() => void>() }],
    ['true', true],
  ])('rejects %s', async (_, logger) => {
    const error = await thrownBy(() => create({ logger: logger as never }));
    expect(error.message).toMatch(
      /^Invalid `logger`: expected false or an object with the methods/,
    );
  });
});

describe('The name of boxAuth', () => {
  it('is in the events, and in the error of a bad app', async () => {
    const apps: (string | undefined)[] = [];
    open.add(onAuthEvent('mint', ({ app }) => apps.push(app)));
    await create({ name: 'hr' }).provider.getToken();
    expect(apps).toEqual(['hr']);
    const error = await thrownBy(() =>
      create({ name: 'hr', credentials: { config: {} } as never }),
    );
    expect([error.code, error.message.slice(0, 9)]).toEqual(['config_invalid', 'App "hr":']);
  });

  it('must be a text', async () => {
    for (const name of ['', 7]) {
      const error = await thrownBy(() => create({ name: name as string }));
      expect(error.message).toContain('Invalid `name`: expected a string that is not empty');
    }
  });
});

describe('warmUp of boxAuth', () => {
  it("is 'off' by default: no request is sent", async () => {
    box.clearRequests();
    await create().ready;
    expect(box.requests).toEqual([]);
  });

  it("'try' requests a token now, and logs a failure", async () => {
    const middleware = create({ warmUp: 'try' });
    await middleware.ready;
    expect(middleware.provider.peekToken()).toBeDefined();

    box.authorized = false;
    const lines: string[] = [];
    await create({ warmUp: 'try', logger: loggerInto(lines) }).ready;
    expect(lines.filter((line) => !line.startsWith('debug'))).toEqual([
      expect.stringMatching(/^error Token request failed/),
      'warn Starting without a token; the line above has the reason. The next call requests a token.',
    ]);
  });

  it("'require' makes `ready` reject, and names the app", async () => {
    box.authorized = false;
    const middleware = create({ warmUp: 'require', name: 'hr', logger: false });
    const error = await thrownBy(() => middleware.ready);
    expect([error.code, error.message.slice(0, 9)]).toEqual(['app_not_authorized', 'App "hr":']);
    expect((await thrownBy(() => middleware.provider.getToken())).code).toBe('closed');
  });

  it('rejects any other value', async () => {
    const error = await thrownBy(() => create({ warmUp: 'on' as never }));
    expect(error.message).toContain('Invalid `warmUp`');
  });
});

describe('onBadCredentials of boxAuth', () => {
  it("'isolate' creates an app whose calls fail with the reason, and logs one line", async () => {
    const lines: string[] = [];
    const credentials = { config: box.config, passphrase: 'wrong' };
    const middleware = create({
      credentials,
      name: 'hr',
      onBadCredentials: 'isolate',
      warmUp: 'require',
      logger: loggerInto(lines),
    });
    await middleware.ready;
    for (const call of [
      () => middleware.fetch('/2.0/users/me'),
      () => middleware.provider.getToken(),
    ]) {
      expect((await thrownBy(call)).code).toBe('key_passphrase_wrong');
    }
    expect(await middleware.health()).toMatchObject({
      status: 'down',
      state: 'down',
      code: 'key_passphrase_wrong',
    });
    expect(lines).toEqual([
      expect.stringMatching(
        /^error hr: Starting without credentials \(key_passphrase_wrong\); all calls of this app fail\./,
      ),
    ]);
  });

  it("isolates missing credentials of the environment, and 'fail' is the default", async () => {
    for (const name of Object.keys(process.env).filter((key) => key.startsWith('BOX_')))
      vi.stubEnv(name, undefined);
    expect((await thrownBy(() => boxAuth({ logger: false }))).code).toBe('config_missing');
    const middleware = create({
      credentials: undefined,
      onBadCredentials: 'isolate',
      logger: false,
    });
    expect((await thrownBy(() => middleware.provider.getToken())).code).toBe('config_missing');
    vi.unstubAllEnvs();
  });
});

describe('box.health()', () => {
  it('is healthy with a token, degraded with an old one, and down without one', async () => {
    const { runtime, endpoint, options } = new BadHour();
    const { store: _, ...others } = options;
    const middleware = create({ ...others, apiUrl: undefined, logger: false });
    runtime.randomValue = 0;
    const expiresAt = '2026-03-01T13:00:00.000Z';
    expect(await middleware.health()).toEqual({ status: 'up', state: 'healthy', expiresAt });

    endpoint.otherwise = refuse(endpoint, 503, 'unavailable', 'Unavailable');
    await runtime.advance(50 * MINUTE);
    await middleware.health();
    await settled();
    const problem = {
      code: 'unavailable',
      hint: expect.stringContaining('status.box.com') as string,
      since: '2026-03-01T12:50:00.000Z',
    };
    expect(await middleware.health()).toEqual({
      status: 'degraded',
      state: 'degraded',
      expiresAt,
      ...problem,
    });

    await runtime.advance(10 * MINUTE);
    expect(await middleware.health()).toEqual({ status: 'down', state: 'down', ...problem });
  });

  it('waits for a token for timeoutMs only', async () => {
    box.always('token', { kind: 'hang' });
    expect(await create({ logger: false }).health({ timeoutMs: 1 })).toMatchObject({
      state: 'down',
      code: 'timeout',
    });
  });

  it('rejects an invalid timeoutMs', async () => {
    const error = await thrownBy(() => create().health({ timeoutMs: -1 }));
    expect(error.message).toMatch(/^Invalid timeoutMs of box\.health: expected a whole number/);
    expect(error.hint).toBe('Fix timeoutMs where health is called.');
  });
});

it('The entry point for Express has what an app without Nest needs', () => {
  expect(BoxAuthError).toBe(MainBoxAuthError);
  expect(onAuthEvent).toBe(mainOnAuthEvent);
});

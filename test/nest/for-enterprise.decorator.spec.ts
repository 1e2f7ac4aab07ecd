import { Readable } from 'node:stream';
import { setTimeout as inAWhile } from 'node:timers/promises';
import { inspect } from 'node:util';
import {
  Controller,
  type ExecutionContext,
  Get,
  type INestApplication,
  Sse,
  StreamableFile,
  type Type,
} from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { concatMap, from, map, type Observable, of } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ActingEnterprise,
  ActingUser,
  AsServiceAccount,
  AsUser,
  BoxAuthExceptionFilter,
  BoxAuthModule,
  type BoxAuthModuleOptions,
  BoxFetch,
  BoxTokenProvider,
  ForEnterprise,
} from 'nestjs-box-auth';
import { FakeRuntime } from '../support/fake-runtime.js';
import { ANN, BEN, credentials, OTHER_TENANT, TENANT, TenantBox } from '../support/tenant-box.js';
import { thrownBy } from '../support/thrown.js';

type Headers = Record<string, string | undefined>;
const headersOf = (context: ExecutionContext) =>
  context.switchToHttp().getRequest<{ headers: Headers }>().headers;
const tenantOf = (context: ExecutionContext) => headersOf(context)['x-tenant'];
const tenantLater = async (context: ExecutionContext) => {
  await inAWhile(1);
  return tenantOf(context);
};
const personOf = (context: ExecutionContext) => headersOf(context)['x-person'];

/** What the resolver of `/yielded` returns. */
let yielded: unknown;
/** Handlers that ran. */
let handled: string[];
let resolved: string[];

/** Whose token a call carries, and for whom it acts. */
async function seen(box: BoxFetch): Promise<unknown> {
  const { token, asUser } = (await (await box('/2.0/folders/0')).json()) as {
    token: string;
    asUser?: string;
  };
  return asUser === undefined ? [token] : [token, asUser];
}

@Controller('tenant')
@ForEnterprise((context) => {
  resolved.push('enterprise');
  return tenantOf(context);
})
class TenantController {
  constructor(
    private readonly box: BoxFetch,
    private readonly provider: BoxTokenProvider,
  ) {}

  @Get()
  whole() {
    handled.push('whole');
    return seen(this.box);
  }

  @Get('parameter')
  parameter(@ActingEnterprise() id: string | undefined, @ActingUser() user: string | undefined) {
    return { id, user };
  }

  @Get('fixed')
  @ForEnterprise(OTHER_TENANT)
  fixed() {
    return seen(this.box);
  }

  @Get('later')
  @ForEnterprise(tenantLater)
  later() {
    handled.push('later');
    return seen(this.box);
  }

  @Get('optional')
  @ForEnterprise(tenantOf, { optional: true })
  async optional(@ActingEnterprise() id: string | undefined) {
    return { id: id ?? null, seen: await seen(this.box) };
  }

  @Get('yielded')
  @ForEnterprise(() => yielded as string)
  yielded() {
    handled.push('yielded');
    return seen(this.box);
  }

  @Get('yielded-later')
  @ForEnterprise(() => Promise.resolve(yielded) as Promise<string>)
  yieldedLater() {
    handled.push('yielded-later');
    return seen(this.box);
  }

  @Get('as-user')
  @AsUser((context) => {
    resolved.push('user');
    return personOf(context);
  })
  asUser() {
    handled.push('as-user');
    return seen(this.box);
  }

  @Get('user-token')
  @AsUser(personOf, { via: 'token' })
  userToken() {
    return seen(this.box);
  }

  @Get('service-account')
  @AsServiceAccount()
  serviceAccount() {
    return seen(this.box);
  }

  @Get('several')
  async several() {
    await seen(this.box);
    await seen(this.box);
    await this.provider.getToken();
    return this.provider.runAs(ANN, () => seen(this.box));
  }

  @Get('observable')
  observable(): Observable<unknown> {
    return from([1, 2]).pipe(concatMap(() => seen(this.box)));
  }

  @Sse('events')
  events(): Observable<{ data: unknown }> {
    return of(1, 2).pipe(
      concatMap(() => inAWhile(1)),
      concatMap(() => seen(this.box)),
      map((data) => ({ data: JSON.stringify(data) })),
    );
  }

  @Get('stream')
  stream(): StreamableFile {
    const { box } = this;
    async function* lines() {
      await inAWhile(1);
      yield JSON.stringify(await seen(box));
    }
    return new StreamableFile(Readable.from(lines()));
  }
}

@Controller('looked-up')
@ForEnterprise(tenantOf)
@AsUser((context) => LookedUpController.userOf(context))
class LookedUpController {
  static box: BoxFetch;

  constructor(private readonly box: BoxFetch) {
    LookedUpController.box = box;
  }

  /** Finds the user with the service account of the tenant. */
  static async userOf(_context: ExecutionContext): Promise<string> {
    await LookedUpController.box('/2.0/users');
    return ANN;
  }

  @Get()
  get() {
    return seen(this.box);
  }
}

@Controller('users')
@AsUser(personOf)
class UsersController {
  constructor(private readonly box: BoxFetch) {}

  @Get('tenant')
  @ForEnterprise(tenantOf)
  tenant() {
    return seen(this.box);
  }

  @Get('own')
  own(@ActingEnterprise() id: string | undefined) {
    handled.push(String(id));
    return seen(this.box);
  }
}

let box: TenantBox;
let app: INestApplication | undefined;
beforeEach(() => {
  box = new TenantBox();
  handled = [];
  resolved = [];
  yielded = undefined;
});
afterEach(async () => {
  await app?.close();
  app = undefined;
});

type Get = (path: string, headers?: Record<string, string>) => Promise<unknown>;

async function start(options: BoxAuthModuleOptions = {}, adapter?: FastifyAdapter): Promise<Get> {
  const controllers: Type[] = [TenantController, LookedUpController, UsersController];
  const testing = await Test.createTestingModule({
    imports: [
      BoxAuthModule.forRoot({
        credentials,
        fetch: box.fetch,
        tenants: [TENANT, OTHER_TENANT],
        ...options,
      }),
    ],
    controllers,
    providers: [{ provide: APP_FILTER, useClass: BoxAuthExceptionFilter }],
  }).compile();
  app =
    adapter === undefined
      ? testing.createNestApplication()
      : testing.createNestApplication(adapter);
  app.useLogger(false);
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  return async (path, headers = {}) => {
    const response = await fetch(`${url}${path}`, { headers });
    return response.ok ? response.json() : response.status;
  };
}

const forTenant = { 'x-tenant': TENANT };
const forOther = { 'x-tenant': OTHER_TENANT };

describe.each([
  ['Express', () => undefined],
  ['Fastify', () => new FastifyAdapter()],
])('@ForEnterprise on %s', (_, adapter) => {
  it('makes the calls of a controller for the tenant of each request', async () => {
    const get = await start({}, adapter());
    expect(await get('/tenant', forTenant)).toEqual(['enterprise:7']);
    expect(await get('/tenant', forOther)).toEqual(['enterprise:8']);
    expect(box.tokenRequests).toEqual(['enterprise:7', 'enterprise:8']);
  });

  it('never mixes two tenants, with 40 requests at once', async () => {
    const get = await start({}, adapter());
    const requests = Array.from({ length: 40 }, (_value, n) =>
      n % 2 === 0
        ? get('/tenant/later', forTenant)
        : get('/tenant/as-user', { ...forOther, 'x-person': BEN }),
    );
    for (const [n, answer] of (await Promise.all(requests)).entries()) {
      expect(answer).toEqual(n % 2 === 0 ? ['enterprise:7'] : ['enterprise:8', BEN]);
    }
    expect(box.tokenRequests).toHaveLength(2);
  });

  it('is kept in Observables, server-sent events and streams', async () => {
    const get = await start({}, adapter());
    expect(await get('/tenant/observable', forTenant)).toEqual(['enterprise:7']);
    expect(await get('/tenant/stream', forOther)).toEqual(['enterprise:8']);
    const events = await fetch(`${await app?.getUrl()}/tenant/events`, { headers: forTenant });
    expect((await events.text()).match(/\["enterprise:7"\]/g)).toHaveLength(2);
    expect(new Set(box.tokenRequests)).toEqual(new Set(['enterprise:7', 'enterprise:8']));
  });

  it('fails a request without a tenant with 401, before the handler', async () => {
    const get = await start({}, adapter());
    for (const path of ['/tenant', '/tenant/later', '/tenant/as-user']) {
      expect(await get(path, { 'x-person': ANN }), path).toBe(401);
    }
    expect([handled, box.tokenRequests]).toEqual([[], []]);
  });

  it('fails a request for another enterprise with 403, before the handler', async () => {
    for (const tenants of [[TENANT], (id: string) => Promise.resolve(id === TENANT)]) {
      const get = await start({ tenants }, adapter());
      for (const path of ['/tenant', '/tenant/later', '/tenant/as-user']) {
        expect(await get(path, { ...forOther, 'x-person': ANN }), path).toBe(403);
      }
      expect([handled, box.tokenRequests]).toEqual([[], []]);
      await app?.close();
    }
  });
});

describe('@ForEnterprise', () => {
  it('on a method beats the controller: a fixed id, and an asynchronous function', async () => {
    const get = await start();
    expect(await get('/tenant/fixed', forTenant)).toEqual(['enterprise:8']);
    expect(await get('/tenant/later', forTenant)).toEqual(['enterprise:7']);
    expect(resolved).toEqual([]);
  });

  it('falls back to the enterprise of the credentials only with `optional`', async () => {
    const get = await start();
    expect(await get('/tenant/optional')).toEqual({ id: null, seen: ['enterprise:1'] });
    expect(await get('/tenant/optional', forTenant)).toEqual({ id: '7', seen: ['enterprise:7'] });
    expect(await get('/tenant/optional', { 'x-tenant': '9' })).toBe(403);
  });

  it('falls back to nothing with `tenantRequired`', async () => {
    const get = await start({ tenantRequired: true });
    expect(await get('/tenant/optional')).toBe(401);
    expect(await get('/users/own', { 'x-person': ANN })).toBe(401);
    expect(await get('/tenant/optional', forTenant)).toEqual({ id: '7', seen: ['enterprise:7'] });
    expect(box.tokenRequests).toEqual(['enterprise:7']);
  });

  it('refuses everything but an id from its function, before the handler', async () => {
    const get = await start({ tenants: () => true });
    const ids = ['', ' ', '0', '7 ', '1'.repeat(21), 7, 7n, Number.NaN, false, true];
    for (const value of [...ids, {}, [], ['7'], Object('7')]) {
      yielded = value;
      expect(await get('/tenant/yielded'), inspect(value)).toBe(403);
      expect(await get('/tenant/yielded-later'), inspect(value)).toBe(403);
    }
    expect([handled, box.tokenRequests]).toEqual([[], []]);
  });

  it('gives the id to a parameter with @ActingEnterprise, and no user to @ActingUser', async () => {
    const get = await start();
    expect(await get('/tenant/parameter', forTenant)).toEqual({ id: TENANT });
  });

  it('is not needed: a handler without it is for the enterprise of the credentials', async () => {
    const get = await start();
    expect(await get('/users/own', { ...forTenant, 'x-person': '11' })).toEqual([
      'enterprise:1',
      '11',
    ]);
    expect(handled).toEqual(['undefined']);
  });
});

describe('@ForEnterprise with @AsUser', () => {
  it('sends the token of the tenant and as-user', async () => {
    const get = await start();
    const headers = { ...forTenant, 'x-person': ANN };
    expect(await get('/tenant/as-user', headers)).toEqual(['enterprise:7', ANN]);
    expect(await get('/users/tenant', headers)).toEqual(['enterprise:7', ANN]);
  });

  it('calls the function of each once, that of @AsUser after the enterprise is admitted', async () => {
    const get = await start();
    await get('/tenant/as-user', { ...forTenant, 'x-person': ANN });
    expect(resolved).toEqual(['enterprise', 'user']);
    await get('/tenant/as-user', { 'x-tenant': '9', 'x-person': ANN });
    expect(resolved).toEqual(['enterprise', 'user', 'enterprise']);
  });

  it('finds the user with calls for the tenant, and asks `tenants` once', async () => {
    const asked: string[] = [];
    const get = await start({
      tenants: (id) => {
        asked.push(id);
        return true;
      },
    });
    expect(await get('/looked-up', forTenant)).toEqual(['enterprise:7', ANN]);
    expect(box.calls).toEqual([
      { path: '/2.0/users', token: 'enterprise:7', asUser: undefined },
      { path: '/2.0/folders/0', token: 'enterprise:7', asUser: ANN },
    ]);
    expect(asked).toEqual([TENANT]);
  });

  it('sends a token of the user who belongs to the tenant', async () => {
    const get = await start();
    const headers = { ...forTenant, 'x-person': ANN };
    expect(await get('/tenant/user-token', headers)).toEqual([`user:${ANN}`]);
    expect(await get('/tenant/user-token', headers)).toEqual([`user:${ANN}`]);
    expect(box.checks).toEqual([`user:${ANN}`]);
  });

  it('refuses a user token of another tenant, without a call', async () => {
    const get = await start();
    expect(await get('/tenant/user-token', { ...forTenant, 'x-person': BEN })).toBe(502);
    expect(box.calls).toEqual([]);
    expect(await get('/tenant/user-token', { ...forOther, 'x-person': BEN })).toEqual([
      `user:${BEN}`,
    ]);
  });

  it('acts for the service account of the tenant with @AsServiceAccount', async () => {
    const get = await start();
    expect(await get('/tenant/service-account', { ...forTenant, 'x-person': ANN })).toEqual([
      'enterprise:7',
    ]);
  });
});

describe('A function `tenants` of a Nest app', () => {
  it('is asked once for each request, however many calls it makes', async () => {
    const asked: string[] = [];
    const get = await start({
      tenants: async (id) => {
        asked.push(id);
        return id === TENANT;
      },
    });
    expect(await get('/tenant/several', forTenant)).toEqual(['enterprise:7', ANN]);
    expect(asked).toEqual([TENANT]);
    expect(await get('/tenant/several', forTenant)).toEqual(['enterprise:7', ANN]);
    expect(await get('/tenant/several', forOther)).toBe(403);
    expect(asked).toEqual([TENANT, TENANT, OTHER_TENANT]);
  });
});

describe('An app with `tenantRequired`', () => {
  it.each(['try', 'require'] as const)(
    'starts with a token of its own with `warmUp: %s`',
    async (warmUp) => {
      const get = await start({ tenantRequired: true, warmUp });
      expect(box.tokenRequests).toEqual(['enterprise:1']);
      expect(await get('/tenant', forTenant)).toEqual(['enterprise:7']);
    },
  );

  it('refreshes the tokens of `keepWarm` from bootstrap on', async () => {
    const runtime = new FakeRuntime();
    const keepWarm = ['own', { type: 'enterprise', id: TENANT }] as const;
    await start({ tenantRequired: true, keepWarm, runtime });
    await runtime.advance(1_000);
    expect(box.tokenRequests.toSorted()).toEqual(['enterprise:1', 'enterprise:7']);
  });
});

describe('@ForEnterprise is rejected when the class is defined', () => {
  it.each<[unknown, string]>([
    [undefined, 'enterprise_missing'],
    [null, 'enterprise_missing'],
    ['', 'enterprise_not_allowed'],
    [7, 'enterprise_not_allowed'],
    ['a name', 'enterprise_not_allowed'],
    [{ enterprise: '7' }, 'enterprise_not_allowed'],
  ])('for the enterprise %j', async (enterprise, code) => {
    expect((await thrownBy(() => ForEnterprise(enterprise as string))).code).toBe(code);
  });

  it.each<[unknown, string]>([
    [{ optional: 'false' }, 'optional'],
    [{ optional: null }, 'optional'],
    [{ Optional: true }, 'Optional'],
    [{ via: 'token' }, 'via'],
    [true, 'options of @ForEnterprise'],
    [null, 'options of @ForEnterprise'],
  ])('for the options %j', async (options, part) => {
    const error = await thrownBy(() => ForEnterprise(tenantOf, options as never));
    expect(error.code).toBe('option_invalid');
    expect(error.message).toContain(part);
    expect(error.message).toContain('@ForEnterprise');
    expect(error.hint).toContain('@ForEnterprise(enterprise, { optional: true | false })');
  });
});

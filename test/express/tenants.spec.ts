import { EventEmitter, once } from 'node:events';
import express5, { type Express, type Request, type Response as ExpressResponse } from 'express';
import express4 from 'express4';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  boxAuth,
  boxAuthErrors,
  type BoxAuthExpressOptions,
  type BoxAuthMiddleware,
} from 'nestjs-box-auth/express';
import {
  ANN,
  BEN,
  credentials,
  OTHER_TENANT,
  OWN,
  TENANT,
  TenantBox,
  unauthorized,
} from '../support/tenant-box.js';
import { thrownBy } from '../support/thrown.js';

const tenantOf = (request: Request) => request.get('x-tenant');
const personOf = (request: Request) => request.get('x-person');

let box: TenantBox;
const open: (() => unknown)[] = [];
beforeEach(() => {
  box = new TenantBox();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
});

function create(options: BoxAuthExpressOptions = {}): BoxAuthMiddleware {
  const middleware = boxAuth({
    credentials,
    fetch: box.fetch,
    tenants: [TENANT, OTHER_TENANT],
    enterprise: tenantOf,
    logger: false,
    ...options,
  });
  open.push(() => middleware.close());
  return middleware;
}

/** Whose token a call of the request carries, and for whom it acts. */
async function seen(fetch: Request['box']['fetch']): Promise<unknown> {
  const { token, asUser } = (await (await fetch('/2.0/folders/0')).json()) as {
    token: string;
    asUser?: string;
  };
  return asUser === undefined ? token : [token, asUser];
}

type Get = (path: string, headers?: Record<string, string>) => Promise<unknown>;

/** Starts an app, which answers every other error with 418. */
async function serve(app: Express, build: (app: Express) => void): Promise<Get> {
  build(app);
  app.use(boxAuthErrors({ log: () => undefined }));
  app.use((error: Error, _req: unknown, res: ExpressResponse, _next: unknown) => {
    res.status(418).json(error.message);
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => new Promise((resolve) => server.close(resolve)));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return async (path, headers = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
    return response.ok ? response.json() : response.status;
  };
}

/** A handler that responds with the result of `work`. */
const handler =
  (work: (request: Request) => Promise<unknown>) =>
  (request: Request, response: ExpressResponse, next: (error: unknown) => void): void => {
    work(request).then((result) => response.json(result), next);
  };

const getSeen = (app: Express) =>
  app.get(
    '/seen',
    handler(({ box: { fetch } }) => seen(fetch)),
  );

const forTenant = { 'x-tenant': TENANT };
const forOther = { 'x-tenant': OTHER_TENANT };

describe.each([
  ['Express 4', express4],
  ['Express 5', express5],
])('The option `enterprise` with %s', (_, express) => {
  it('makes the calls of each request for its tenant', async () => {
    const get = await serve(express(), (app) => {
      app.use(create());
      getSeen(app);
    });
    const requests = Array.from({ length: 20 }, (_value, n) =>
      get('/seen', n % 2 === 0 ? forTenant : forOther),
    );
    for (const [n, token] of (await Promise.all(requests)).entries()) {
      expect(token).toBe(n % 2 === 0 ? 'enterprise:7' : 'enterprise:8');
    }
    expect(box.tokenRequests).toHaveLength(2);
  });

  it.each<[string, BoxAuthExpressOptions['enterprise']]>([
    ['synchronous', tenantOf],
    ['asynchronous', async (request) => tenantOf(request)],
  ])(
    'fails a request without a tenant with 401, and for another with 403: %s',
    async (_how, enterprise) => {
      const handled: unknown[] = [];
      const get = await serve(express(), (app) => {
        app.use(create({ enterprise }));
        app.use((req, _res, next) => {
          handled.push(req.url);
          next();
        });
        getSeen(app);
      });
      expect(await get('/seen')).toBe(401);
      expect(await get('/seen', { 'x-tenant': '9' })).toBe(403);
      expect(await get('/seen', { 'x-tenant': 'a name' })).toBe(403);
      expect([handled, box.tokenRequests]).toEqual([[], []]);
      expect(await get('/seen', forTenant)).toBe('enterprise:7');
    },
  );

  it('is kept if a body parser loses the context, or calls back in that of another request', async () => {
    const elsewhere = new EventEmitter();
    const waiting: Request[] = [];
    const get = await serve(express(), (app) => {
      app.use(create());
      app.use((req, _res, next) => {
        elsewhere.once('go', next);
        if (waiting.push(req) === 2) elsewhere.emit('go');
      });
      app.get(
        '/all',
        handler(async ({ box: { fetch, getToken, runAs, runFor } }) => [
          await seen(fetch),
          (await getToken()).subject.id,
          await runAs(ANN, () => seen(fetch)),
          await runFor({ enterprise: TENANT }, () => seen(fetch)),
          await runFor({ enterprise: OTHER_TENANT, user: BEN }, () => seen(fetch)),
        ]),
      );
    });
    const [one, other] = await Promise.all([get('/all', forTenant), get('/all', forOther)]);
    const jobs = ['enterprise:7', ['enterprise:8', BEN]];
    expect(one).toEqual(['enterprise:7', TENANT, ['enterprise:7', ANN], ...jobs]);
    expect(other).toEqual(['enterprise:8', OTHER_TENANT, ['enterprise:8', ANN], ...jobs]);
  });

  it.each<[string, () => Promise<string>]>([
    ['an Error', () => Promise.reject(new Error('No session store.'))],
    // Express itself would continue with the next handler.
    ['nothing', () => Promise.reject()],
    ['a word of Express', () => Promise.reject('route')],
  ])('fails a request if its function rejects with %s', async (_what, enterprise) => {
    const get = await serve(express(), (app) => {
      app.use(create({ enterprise, enterpriseOptional: true }));
      getSeen(app);
    });
    expect(await get('/seen', forTenant)).toBe(418);
    expect(box.tokenRequests).toEqual([]);
  });
});

describe('The option `enterprise`', () => {
  const start = (options: BoxAuthExpressOptions) =>
    serve(express5(), (app) => {
      app.use(create(options));
      getSeen(app);
    });

  it('falls back to the enterprise of the credentials with `enterpriseOptional`', async () => {
    const get = await start({ enterpriseOptional: true });
    expect(await get('/seen')).toBe('enterprise:1');
    expect(await get('/seen', forTenant)).toBe('enterprise:7');
    expect(await get('/seen', { 'x-tenant': '9' })).toBe(403);
  });

  it('falls back to nothing with `tenantRequired`', async () => {
    const get = await start({ enterpriseOptional: true, tenantRequired: true });
    expect(await get('/seen')).toBe(401);
    const withoutOption = await start({ enterprise: undefined, tenantRequired: true });
    expect(await withoutOption('/seen')).toBe(401);
    expect(box.tokenRequests).toEqual([]);
  });

  it('is combined with `actingUser`, which is called for the admitted tenant', async () => {
    const called: string[] = [];
    const middleware: BoxAuthMiddleware = create({
      enterprise: (request) => {
        called.push('enterprise');
        return tenantOf(request);
      },
      actingUser: async () => {
        called.push(String(await seen(middleware.fetch)));
        return ANN;
      },
    });
    const get = await serve(express5(), (app) => {
      app.use(middleware);
      getSeen(app);
    });
    expect(await get('/seen', forTenant)).toEqual(['enterprise:7', ANN]);
    expect(called).toEqual(['enterprise', 'enterprise:7']);
    expect(await get('/seen', { 'x-tenant': '9' })).toBe(403);
    expect(called).toEqual(['enterprise', 'enterprise:7', 'enterprise']);
  });

  it("is combined with `via: 'token'`: only users of the tenant get a token", async () => {
    const get = await start({ actingUser: personOf, via: 'token' });
    expect(await get('/seen', { ...forTenant, 'x-person': ANN })).toBe(`user:${ANN}`);
    expect(await get('/seen', { ...forTenant, 'x-person': BEN })).toBe(502);
    expect(box.calls).toHaveLength(1);
  });

  it('asks a function `tenants` once for each request, before the handler', async () => {
    const asked: string[] = [];
    const get = await serve(express5(), (app) => {
      app.use(
        create({
          tenants: async (id) => {
            asked.push(id);
            return id === TENANT;
          },
        }),
      );
      app.get(
        '/twice',
        handler(async ({ box: { fetch, runFor } }) => [
          await seen(fetch),
          await runFor({ enterprise: TENANT }, () => seen(fetch)),
        ]),
      );
    });
    expect(await get('/twice', forTenant)).toEqual(['enterprise:7', 'enterprise:7']);
    expect(asked).toEqual([TENANT]);
    expect(await get('/twice', forOther)).toBe(403);
    expect(asked).toEqual([TENANT, OTHER_TENANT]);
  });

  it('affects no calls of another app', async () => {
    const get = await serve(express5(), (app) => {
      app.use(create());
      app.use(create({ enterprise: undefined, tenants: undefined }));
      getSeen(app);
    });
    expect(await get('/seen', forTenant)).toBe('enterprise:1');
  });

  it.each<[string, unknown]>([
    ['enterprise', TENANT],
    ['enterprise', null],
    ['enterpriseOptional', 'true'],
    ['enterpriseOptional', null],
    ['tenants', TENANT],
    ['tenants', [7]],
    ['tenantRequired', 'true'],
  ])('is refused if the option is invalid: %s of %j', async (name, value) => {
    const error = await thrownBy(() => create({ [name]: value }));
    expect(error.code).toBe('option_invalid');
    expect(error.message).toContain(`\`${name}`);
  });

  it('is refused without the option `tenants`', async () => {
    const error = await thrownBy(() => create({ tenants: undefined }));
    expect(error.code).toBe('option_invalid');
    expect(error.message).toBe(
      'The option `enterprise` needs the option `tenants`: the enterprises that the app serves.',
    );
  });
});

describe('req.box', () => {
  it('rejects runFor for another enterprise before its function runs', async () => {
    const ran: unknown[] = [];
    const get = await serve(express5(), (app) => {
      app.use(create());
      app.get(
        '/other',
        handler(({ box: { runFor } }) =>
          runFor({ enterprise: '9' }, async () => {
            ran.push(1);
          }),
        ),
      );
    });
    expect(await get('/other', forTenant)).toBe(403);
    expect(ran).toEqual([]);
  });
});

describe('warmUp', () => {
  it('requests the token of the app itself with `tenantRequired`', async () => {
    await create({ tenantRequired: true, warmUp: 'require' }).ready;
    expect(box.tokenRequests).toEqual([`enterprise:${OWN}`]);
  });
});

describe('health', () => {
  it('describes a tenant, and the app itself also with `tenantRequired`', async () => {
    const middleware = create({ tenantRequired: true });
    box.onToken = (subject) => (subject === 'enterprise:7' ? unauthorized() : undefined);
    expect(await middleware.health()).toMatchObject({ status: 'up' });
    expect(await middleware.health({ enterprise: OTHER_TENANT })).toMatchObject({ status: 'up' });
    expect(await middleware.health({ enterprise: TENANT })).toMatchObject({
      status: 'down',
      code: 'app_not_authorized',
    });
    expect(await middleware.health()).toMatchObject({ status: 'up' });
    expect(box.tokenRequests).toEqual([`enterprise:${OWN}`, 'enterprise:8', 'enterprise:7']);
  });
});

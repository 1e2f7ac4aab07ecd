import { CACHE_MANAGER, CacheInterceptor, CacheKey, CacheModule } from '@nestjs/cache-manager';
import {
  Controller,
  type ExecutionContext,
  Get,
  Head,
  type INestApplication,
  Injectable,
  Post,
  type Provider,
  type Type,
  UseInterceptors,
} from '@nestjs/common';
import { APP_INTERCEPTOR, HttpAdapterHost, Reflector } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import {
  ActingEnterprise,
  ActingUser,
  AsServiceAccount,
  AsUser,
  BoxAuthModule,
  ForEnterprise,
} from 'nestjs-box-auth';

const signedIn = (context: ExecutionContext) =>
  context.switchToHttp().getRequest<{ headers: Record<string, string> }>().headers['x-person'];

@Injectable()
class CachePerPerson extends CacheInterceptor {
  protected override trackBy(context: ExecutionContext): string | undefined {
    const url = super.trackBy(context);
    return url === undefined ? undefined : `${signedIn(context)} ${String(url)}`;
  }
}

/** It caches less, but still by URL. */
@Injectable()
class CacheOfReads extends CacheInterceptor {
  protected override isRequestCacheable(context: ExecutionContext): boolean {
    return !('x-fresh' in context.switchToHttp().getRequest<{ headers: object }>().headers);
  }
}

/** It caches searches, too. */
@Injectable()
class CacheOfPosts extends CacheInterceptor {
  protected override allowedMethods = ['GET', 'POST'];
}

class Plain {
  @Get('get') @AsUser(signedIn) get(@ActingUser() id: string) {
    return { id };
  }
  @Post('post') @AsUser(signedIn) post(@ActingUser() id: string) {
    return { id };
  }
  @Head('head') @AsUser(signedIn) head() {
    return {};
  }
  @Get('literal') @AsUser('11111') literal(@ActingUser() id: string) {
    return { id };
  }
  @Get('none') @AsServiceAccount() none() {
    return { id: 'service account' };
  }
  @Get('tenant') @ForEnterprise(signedIn) tenant(@ActingEnterprise() id: string) {
    return { id };
  }
  @Get('one-tenant') @ForEnterprise('11111') oneTenant(@ActingEnterprise() id: string) {
    return { id };
  }
}
@Controller()
class Uncached extends Plain {}
@Controller()
@UseInterceptors(CacheInterceptor)
class ByUrl extends Plain {}
@Controller()
@UseInterceptors(CacheOfReads)
class ByUrlToo extends Plain {}
@Controller()
@UseInterceptors(CacheOfPosts)
class PostsByUrl extends Plain {}
@Controller()
@UseInterceptors(CachePerPerson)
class ByPerson extends Plain {}
@Controller()
@AsUser(signedIn)
class OnMethods {
  @Get('get') @UseInterceptors(CacheInterceptor) get(@ActingUser() id: string) {
    return { id };
  }
  @Get('own') @UseInterceptors(CachePerPerson) own(@ActingUser() id: string) {
    return { id };
  }
  @Get('one-key')
  @UseInterceptors(CacheInterceptor)
  @CacheKey('one')
  oneKey(@ActingUser() id: string) {
    return { id };
  }
  @Post('one-key')
  @UseInterceptors(CacheInterceptor)
  @CacheKey('one')
  posted(@ActingUser() id: string) {
    return { id };
  }
  @Get('own-key')
  @UseInterceptors(CacheInterceptor)
  @CacheKey((context) => `mine ${signedIn(context)}`)
  ownKey(@ActingUser() id: string) {
    return { id };
  }
}

let app: INestApplication | undefined;
afterEach(async () => {
  await app?.close();
  app = undefined;
});

type Read = (path: string, person: string, method?: string) => Promise<unknown>;

async function start(controller: Type, ...providers: Provider[]): Promise<Read> {
  const module = await Test.createTestingModule({
    imports: [
      BoxAuthModule.forRoot({ credentials: { developerToken: 'token' }, tenants: () => true }),
      CacheModule.register({ ttl: 60_000 }),
    ],
    controllers: [controller],
    providers,
  }).compile();
  app = module.createNestApplication({ logger: false });
  return listening(app);
}

async function listening(started: INestApplication): Promise<Read> {
  await started.listen(0, '127.0.0.1');
  const url = await started.getUrl();
  return async (path, person, method = 'GET') => {
    const response = await fetch(`${url}/${path}`, { method, headers: { 'x-person': person } });
    return response.ok ? ((await response.json()) as { id: unknown }).id : response.status;
  };
}

const twice = async (read: Read, path: string, method?: string) => [
  await read(path, '11111', method),
  await read(path, '22222', method),
  await read(path, '11111', method),
];

describe('Nest’s CacheInterceptor around a handler with @AsUser', () => {
  it.each([
    ['on its controller', ByUrl],
    ['on the method, within @AsUser of the controller', OnMethods],
    ['extended, but with the same keys', ByUrlToo],
  ])('is rejected %s, and caches nothing', async (_, controller) => {
    expect(await twice(await start(controller), 'get')).toEqual([500, 500, 500]);
  });

  it('is rejected as APP_INTERCEPTOR', async () => {
    const read = await start(Uncached, { provide: APP_INTERCEPTOR, useClass: CacheInterceptor });
    expect(await twice(read, 'get')).toEqual([500, 500, 500]);
    expect(await twice(read, 'post', 'POST')).toEqual(['11111', '22222', '11111']);
  });

  it('is rejected if a subclass caches the method of the handler', async () => {
    expect(await twice(await start(PostsByUrl), 'post', 'POST')).toEqual([500, 500, 500]);
    await app?.close();
    const read = await start(Uncached, { provide: APP_INTERCEPTOR, useClass: CacheOfPosts });
    expect(await twice(read, 'post', 'POST')).toEqual([500, 500, 500]);
  });

  it('is rejected with useGlobalInterceptors', async () => {
    const module = await Test.createTestingModule({
      imports: [
        BoxAuthModule.forRoot({ credentials: { developerToken: 'token' }, tenants: () => true }),
        CacheModule.register(),
      ],
      controllers: [Uncached],
    }).compile();
    app = module.createNestApplication({ logger: false });
    const interceptor = new CacheInterceptor(app.get(CACHE_MANAGER), app.get(Reflector));
    Object.assign(interceptor, { httpAdapterHost: app.get(HttpAdapterHost) });
    app.useGlobalInterceptors(interceptor);
    expect(await twice(await listening(app), 'get')).toEqual([500, 500, 500]);
  });

  it('is rejected with a fixed @CacheKey, for every method', async () => {
    const read = await start(OnMethods);
    expect(await twice(read, 'one-key')).toEqual([500, 500, 500]);
    expect(await twice(read, 'one-key', 'POST')).toEqual([500, 500, 500]);
  });

  it('is accepted if its keys contain the user', async () => {
    const own = ['11111', '22222', '11111'];
    expect(await twice(await start(ByPerson), 'get')).toEqual(own);
    await app?.close();
    const read = await start(OnMethods);
    expect(await twice(read, 'own')).toEqual(own);
    expect(await twice(read, 'own-key')).toEqual(own);
  });

  it('is accepted if every response is for the same user, or if nothing is cached', async () => {
    const read = await start(ByUrl);
    expect(await twice(read, 'literal')).toEqual(['11111', '11111', '11111']);
    expect(await twice(read, 'none')).toEqual(Array(3).fill('service account'));
    expect(await twice(read, 'post', 'POST')).toEqual(['11111', '22222', '11111']);
  });
});

describe('Nest’s CacheInterceptor around a handler with @ForEnterprise', () => {
  it('is rejected, with both decorators in the error', async () => {
    const module = await Test.createTestingModule({
      imports: [
        BoxAuthModule.forRoot({ credentials: { developerToken: 'token' }, tenants: () => true }),
        CacheModule.register(),
      ],
      controllers: [ByUrl],
    }).compile();
    app = module.createNestApplication();
    const lines: string[] = [];
    app.useLogger({
      log: () => undefined,
      warn: () => undefined,
      error: (line: unknown) => lines.push(String(line)),
    });
    expect(await twice(await listening(app), 'tenant')).toEqual([500, 500, 500]);
    expect(lines[0]).toContain(
      'CacheInterceptor caches ByUrl.tenant with one key for all requests, but with @AsUser, @AsConnectedUser and @ForEnterprise each user and tenant has a different response.',
    );
  });

  it('is accepted for a fixed tenant, and if its keys contain the tenant', async () => {
    expect(await twice(await start(ByUrl), 'one-tenant')).toEqual(['11111', '11111', '11111']);
    await app?.close();
    expect(await twice(await start(ByPerson), 'tenant')).toEqual(['11111', '22222', '11111']);
  });
});

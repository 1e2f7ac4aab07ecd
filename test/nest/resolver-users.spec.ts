import {
  Controller,
  type DynamicModule,
  type ExecutionContext,
  Get,
  type INestApplication,
  Injectable,
  type Type,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  ActingUser,
  AsUser,
  BoxAuthModule,
  BoxTokenProvider,
  BoxUsers,
  ForEnterprise,
  getBoxUsersToken,
  InjectBoxUsers,
} from 'nestjs-box-auth';
import { BoxEmulator, FakeBox } from 'nestjs-box-auth/testing';
import { usersForResolvers } from '../../lib/nest/resolver-users.js';
import { ScriptedDirectory } from '../box/users/scripted-directory.js';
import { thrownBy } from '../support/thrown.js';

const emailOf = (context: ExecutionContext) =>
  context.switchToHttp().getRequest<{ headers: Record<string, string> }>().headers['x-email'] ?? '';

const byLogin = (context: ExecutionContext, users: BoxUsers) =>
  users.find({ login: emailOf(context) });

@Controller('people')
@AsUser(byLogin)
class PeopleController {
  @Get('me')
  me(@ActingUser() id: string | undefined) {
    return { id };
  }

  @Get('new')
  @AsUser((context, users) =>
    users.findOrCreate({ externalAppUserId: emailOf(context), name: 'New' }),
  )
  create(@ActingUser() id: string | undefined) {
    return { id };
  }

  @Get('fixed')
  @AsUser(() => '22222')
  fixed(@ActingUser() id: string | undefined) {
    return { id };
  }

  @Get('optional')
  @AsUser(byLogin, { optional: true })
  optional(@ActingUser() id: string | undefined) {
    return { id: id ?? 'service account' };
  }
}

@Controller('tenant')
@ForEnterprise((context) => emailOf(context).replace(/.*@(\d+)\..*/, '$1'))
@AsUser((context, users) => users.find({ login: emailOf(context) }))
class TenantController {
  @Get('me')
  me(@ActingUser() id: string | undefined) {
    return { id };
  }
}

let app: INestApplication | undefined;
afterEach(async () => {
  await app?.close();
  app = undefined;
});

async function start(
  imports: DynamicModule[],
  override: (builder: TestingModuleBuilder) => TestingModuleBuilder = (builder) => builder,
  controllers: Type[] = [PeopleController],
) {
  const builder = override(Test.createTestingModule({ imports, controllers }));
  app = (await builder.compile()).createNestApplication({ logger: false });
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  return async (path: string, email: string) => {
    const response = await fetch(`${url}/${path}`, { headers: { 'x-email': email } });
    return response.ok ? await response.json() : response.status;
  };
}

describe('The second argument of a resolver', () => {
  let emulator: BoxEmulator;
  beforeAll(async () => {
    emulator = await BoxEmulator.start();
  });
  beforeEach(() => emulator.clearRequests());
  afterAll(() => emulator.stop());
  const options = () => ({ credentials: { config: emulator.config }, apiUrl: emulator.url });

  it('finds the acting user', async () => {
    const call = await start([BoxAuthModule.forRoot(options())]);
    expect(await call('people/me', 'alice@example.com')).toEqual({ id: '11111' });
    expect(await call('people/me', 'Bob@example.com')).toEqual({ id: '22222' });
    expect(await call('people/me', 'alice@example.com')).toEqual({ id: '11111' });
    expect(emulator.apiRequests).toHaveLength(2);
  });

  it('creates the acting user', async () => {
    const call = await start([BoxAuthModule.forRoot(options())]);
    const created = await call('people/new', 'carol@example.com');
    expect(created).toEqual({ id: expect.stringMatching(/^\d+$/) });
    expect(await call('people/new', 'carol@example.com')).toEqual(created);
  });

  it('rejects a request whose user does not exist, unless the user is optional', async () => {
    const call = await start([BoxAuthModule.forRoot(options())]);
    expect(await call('people/me', 'nobody@example.com')).toBe(500);
    expect(await call('people/optional', 'nobody@example.com')).toEqual({ id: 'service account' });
  });

  it('is the injected BoxUsers', async () => {
    const call = await start([BoxAuthModule.forRoot(options())]);
    await call('people/me', 'alice@example.com');
    expect(await app?.get(BoxUsers).find({ login: 'alice@example.com' })).toBe('11111');
    expect(emulator.apiRequests).toHaveLength(1);
  });

  it('belongs to the app without a name, wherever that is imported', async () => {
    const call = await start([
      BoxAuthModule.forRoot({ ...options(), name: 'hr', apiUrl: 'http://127.0.0.1:9' }),
      BoxAuthModule.forRoot({ ...options(), isGlobal: false }),
    ]);
    expect(await call('people/me', 'alice@example.com')).toEqual({ id: '11111' });
  });

  it('fails only a resolver that uses it, if every app has a name', async () => {
    const call = await start([BoxAuthModule.forRoot({ ...options(), name: 'hr' })]);
    expect(await call('people/fixed', '')).toEqual({ id: '22222' });
    expect(await call('people/me', 'alice@example.com')).toBe(500);
    const users = usersForResolvers(app?.get(ModulesContainer) ?? new ModulesContainer());
    const error = await thrownBy(() => users.find({ login: 'alice@example.com' }));
    expect(error.code).toBe('option_invalid');
    expect(error.hint).toContain('@InjectBoxUsers(name)');
  });

  it('can be replaced in a test', async () => {
    const find = () => Promise.resolve('77777');
    const call = await start([BoxAuthModule.forRoot(options())], (builder) =>
      builder.overrideProvider(BoxUsers).useValue({ find }),
    );
    expect(await call('people/me', 'alice@example.com')).toEqual({ id: '77777' });
    expect(emulator.requests).toEqual([]);
  });

  it('responds from a FakeBox that replaces the provider', async () => {
    const box = new FakeBox();
    box.reply('GET', '/2.0/users', { entries: [{ id: '7', login: 'alice@example.com' }] });
    const call = await start([BoxAuthModule.forRoot(options())], (builder) =>
      builder.overrideProvider(BoxTokenProvider).useValue(box.provider),
    );
    expect(await call('people/me', 'alice@example.com')).toEqual({ id: '7' });
    box.expectCall('GET', '/2.0/users', { as: 'service-account' });
  });

  it('fails only a resolver that uses it, if the provider is replaced by a mock', async () => {
    const call = await start([BoxAuthModule.forRoot(options())], (builder) =>
      builder.overrideProvider(BoxTokenProvider).useValue({ getToken: () => undefined }),
    );
    expect(await call('people/fixed', '')).toEqual({ id: '22222' });
    expect(await call('people/me', 'alice@example.com')).toBe(500);
    const error = await thrownBy(() => app?.get(BoxUsers).find({ login: 'alice@example.com' }));
    expect(error.code).toBe('provider_replaced');
  });
});

it('A resolver searches the enterprise of @ForEnterprise, and asks `tenants` once', async () => {
  const directory = new ScriptedDirectory();
  const ids = ['2', '3'].map((enterprise) =>
    directory.add({ enterprise, login: `ann@${enterprise}.example.com` }),
  );
  const asked: string[] = [];
  const options = {
    credentials: { clientId: 'app', clientSecret: 'hush', enterpriseId: '1' },
    fetch: directory.fetch,
    tenants: (id: string) => asked.push(id) > 0,
  };
  const call = await start([BoxAuthModule.forRoot(options)], undefined, [TenantController]);
  expect(await call('tenant/me', 'ann@2.example.com')).toEqual({ id: ids[0] });
  expect(await call('tenant/me', 'ann@3.example.com')).toEqual({ id: ids[1] });
  expect(directory.calls.map(({ enterprise }) => enterprise)).toEqual(['2', '3']);
  expect(asked).toEqual(['2', '3']);
});

@Injectable()
class Archive {
  constructor(
    @InjectBoxUsers('hr') readonly hr: BoxUsers,
    readonly users: BoxUsers,
  ) {}
}

it('BoxUsers of a named app is injected by name', async () => {
  const emulator = await BoxEmulator.start();
  const options = { credentials: { config: emulator.config }, apiUrl: emulator.url };
  const module = await Test.createTestingModule({
    imports: [BoxAuthModule.forRoot(options), BoxAuthModule.forRoot({ ...options, name: 'hr' })],
    providers: [Archive],
  }).compile();
  const { hr, users } = module.get(Archive);
  expect(hr).not.toBe(users);
  expect(module.get(getBoxUsersToken('hr'), { strict: false })).toBe(hr);
  expect(module.get(getBoxUsersToken(), { strict: false })).toBe(users);
  expect(await hr.find({ login: 'alice@example.com' })).toBe('11111');
  await module.close();
  await emulator.stop();
});

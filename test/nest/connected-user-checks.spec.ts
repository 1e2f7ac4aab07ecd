import { CacheInterceptor, CacheModule } from '@nestjs/cache-manager';
import { Controller, Get, Injectable, type Type, UseInterceptors } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { AsServiceAccount, AsUser, BoxAuthModule, ForEnterprise } from 'nestjs-box-auth';
import { AsConnectedUser, BoxConnectionsModule } from 'nestjs-box-auth/connections';
import { MemoryConnectionVault } from 'nestjs-box-auth/testing';
import { credentials } from '../support/app-outcome.js';
import { VAULT_SECRET } from '../support/connections.js';
import { thrownBy } from '../support/thrown.js';

const owner = () => 'ann';

@Controller()
class Base {
  get() {
    return {};
  }
}

const open: { close(): Promise<unknown> }[] = [];
afterEach(() => Promise.all(open.splice(0).map((app) => app.close())));

const connectionsModule = (name?: string) =>
  BoxConnectionsModule.forRoot({
    clientId: 'client',
    clientSecret: 'a client secret',
    redirectUri: 'http://localhost:3000/box/callback',
    secret: VAULT_SECRET,
    vault: new MemoryConnectionVault(),
    name,
  });
const boxModule = () => BoxAuthModule.forRoot({ credentials, tenants: ['1'] });

async function start(
  controller: Type,
  imports: readonly unknown[] = [boxModule(), connectionsModule()],
): Promise<string> {
  const testing = await Test.createTestingModule({
    imports: imports as Type[],
    controllers: [controller],
  }).compile();
  const app = testing.createNestApplication({ logger: false });
  open.push(app);
  await app.init();
  await app.listen(0, '127.0.0.1');
  return app.getUrl();
}

class SameHandler extends Base {
  @Get() @AsUser('11111') @AsConnectedUser(owner) override get() {
    return super.get();
  }
}
class SameHandlerReversed extends Base {
  @Get() @AsConnectedUser(owner) @AsServiceAccount() override get() {
    return super.get();
  }
}
class SameHandlerForEnterprise extends Base {
  @Get() @AsConnectedUser(owner) @ForEnterprise('1') override get() {
    return super.get();
  }
}
@AsUser('11111')
@AsConnectedUser(owner)
class SameClass extends Base {}
@ForEnterprise('1')
@AsConnectedUser(owner)
class SameClassForEnterprise extends Base {}
@AsConnectedUser(owner)
class HandlerForEnterprise extends Base {
  @Get() @ForEnterprise('1') override get() {
    return super.get();
  }
}
@AsConnectedUser(owner)
class ConnectedBase extends Base {}
@ForEnterprise('1')
class InheritsConnected extends ConnectedBase {}
@Controller()
class InheritsHandler extends SameHandler {}

const unclear: readonly (readonly [Type, string])[] = [
  [SameHandler, 'SameHandler.get has @AsConnectedUser next to @AsUser'],
  [SameHandlerReversed, 'SameHandlerReversed.get has @AsConnectedUser next to @AsServiceAccount'],
  [SameHandlerForEnterprise, '.get has @AsConnectedUser next to @ForEnterprise'],
  [SameClass, 'SameClass has @AsConnectedUser next to @AsUser'],
  [SameClassForEnterprise, 'SameClassForEnterprise has @AsConnectedUser next to @ForEnterprise'],
  [HandlerForEnterprise, '.get has @ForEnterprise, but its class has @AsConnectedUser'],
  [InheritsConnected, 'InheritsConnected has @ForEnterprise, but its class has @AsConnectedUser'],
  [InheritsHandler, 'InheritsHandler.get has @AsConnectedUser next to @AsUser'],
];

@AsConnectedUser(owner)
class Connected extends Base {
  @Get() override get() {
    return super.get();
  }
}
class ConnectedHandler extends Base {
  @Get() @AsConnectedUser(owner) override get() {
    return super.get();
  }
}
@AsConnectedUser(owner, { connections: 'hr' })
class ConnectedToHr extends Connected {}

@AsUser('11111')
@ForEnterprise('1')
class Replaced extends Base {
  @Get() @AsConnectedUser(owner) override get() {
    return super.get();
  }
}
@AsConnectedUser(owner)
class Replacing extends Base {
  @Get() @AsServiceAccount() @ForEnterprise('1') override get() {
    return super.get();
  }
}
@AsServiceAccount()
class ReplacingClass extends ConnectedBase {}

describe('The bootstrap', () => {
  it.each(unclear)('fails if it is unclear whose token calls carry: %o', async (type, message) => {
    const error = await thrownBy(() => start(type));
    expect(error.code).toBe('option_invalid');
    expect(error.message).toContain(message);
    expect(error.hint).toContain('@AsServiceAccount');
  });

  it.each([Replaced, Replacing, ReplacingClass, Connected, ConnectedHandler])(
    'succeeds if one decorator replaces the other: %o',
    async (type) => {
      await expect(start(type)).resolves.toBeDefined();
    },
  );

  it.each([
    [Connected, [boxModule()], 'no BoxConnectionsModule without a name'],
    [Connected, [], 'no BoxConnectionsModule without a name'],
    [ConnectedHandler, [], 'no BoxConnectionsModule without a name'],
    [Connected, [connectionsModule('hr')], 'no BoxConnectionsModule without a name'],
    [ConnectedToHr, [connectionsModule()], 'no BoxConnectionsModule with the name "hr"'],
  ])('fails without the connections that a handler needs: %o', async (type, imports, message) => {
    const error = await thrownBy(() => start(type, imports));
    expect(error.code).toBe('option_invalid');
    expect(error.message).toContain(`${type.name} has @AsConnectedUser, but ${message}`);
    expect(error.hint).toContain('BoxConnectionsModule.forRoot');
  });

  it('succeeds with named connections', async () => {
    await expect(start(ConnectedToHr, [connectionsModule('hr')])).resolves.toBeDefined();
  });

  it('checks providers too, such as resolvers and gateways', async () => {
    @Injectable()
    class Resolver extends SameHandler {}
    class Module {}
    const imports = [connectionsModule(), { module: Module, providers: [Resolver] }];
    // The interceptor of the controller checks all classes.
    expect((await thrownBy(() => start(Connected, imports))).message).toContain('Resolver.get');
  });
});

describe('A response cache', () => {
  it('is refused for a handler with @AsConnectedUser', async () => {
    @UseInterceptors(CacheInterceptor)
    class Cached extends Connected {}
    const url = await start(Cached, [connectionsModule(), CacheModule.register()]);
    expect((await fetch(url)).status).toBe(500);
  });
});

describe('@AsConnectedUser()', () => {
  it.each([
    [['ann'], 'Invalid `owner`'],
    [[owner, { label: 7 }], 'Invalid `label`'],
    [[owner, { label: 'a'.repeat(256) }], 'Invalid `label`'],
    [[owner, { connections: '' }], 'Invalid `connections`'],
    [[owner, { optional: 'false' }], 'Invalid option `optional` of @AsConnectedUser'],
    [[owner, { optinal: true }], 'Unknown option `optinal` of @AsConnectedUser'],
    [[owner, null], 'Invalid options of @AsConnectedUser'],
  ])('rejects the arguments %o when the class is defined', async (given, message) => {
    const error = await thrownBy(() => Reflect.apply(AsConnectedUser, undefined, given));
    expect(error.code).toBe('option_invalid');
    expect(error.message).toContain(message);
  });
});

import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { HttpService } from '@nestjs/axios';
import {
  Controller,
  type ExecutionContext,
  Get,
  type INestApplication,
  Injectable,
  Module,
  UseGuards,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BoxAuthExceptionFilter, BoxAuthModule, BoxFetch, BoxTokenProvider } from 'nestjs-box-auth';
import { BoxHttpModule } from 'nestjs-box-auth/axios';
import { AsConnectedUser, BoxConnections, BoxConnectionsModule } from 'nestjs-box-auth/connections';
import { FakeBox, MemoryConnectionVault } from 'nestjs-box-auth/testing';
import { outcome } from '../../support/box-connections.js';

const vault = new MemoryConnectionVault();

// From here to the next line of this kind: the tests that docs/testing.md shows, word for word.

@Injectable()
class SessionGuard {
  canActivate(): boolean {
    return false; // the app's own way to sign in, which sets request.user
  }
}

const ownerOf = (request: object) => (request as { user?: { id: string } }).user?.id;
const signedIn = (context: ExecutionContext) => ownerOf(context.switchToHttp().getRequest());

@Controller('files')
@UseGuards(SessionGuard)
@AsConnectedUser(signedIn)
class FilesController {
  constructor(private readonly box: BoxFetch) {}

  @Get()
  async list(): Promise<unknown> {
    return (await this.box('/2.0/folders/0/items')).json();
  }
}

@Module({
  imports: [
    BoxAuthModule.forRoot(),
    BoxConnectionsModule.forRoot({ vault, routes: { owner: ownerOf, guards: [SessionGuard] } }),
  ],
  controllers: [FilesController],
})
class AppModule {}

function signInAnn(context: ExecutionContext): boolean {
  context.switchToHttp().getRequest<{ user?: { id: string } }>().user = { id: 'ann' };
  return true;
}

describe('GET /files', () => {
  const box = new FakeBox();
  let app: INestApplication;

  beforeEach(async () => {
    box.reset();
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(BoxTokenProvider)
      .useValue(box.provider)
      .overrideProvider(BoxConnections)
      .useValue(box.connections)
      .overrideGuard(SessionGuard)
      .useValue({ canActivate: signInAnn })
      .compile();
    app = module.createNestApplication({ logger: false });
    app.useGlobalFilters(new BoxAuthExceptionFilter(app.get(HttpAdapterHost)));
    await app.listen(0, '127.0.0.1');
  });
  afterEach(() => app.close());

  const get = async () => fetch(`${await app.getUrl()}/files`);

  it("lists the files in the person's own account", async () => {
    await box.connect('ann', { userId: '11111' });
    box.reply('GET', '/2.0/folders/0/items', { entries: [{ type: 'file', id: '7' }] });

    expect(await (await get()).json()).toEqual({ entries: [{ type: 'file', id: '7' }] });
    box.expectCall('GET', '/2.0/folders/0/items', { as: '11111', via: 'connection' });
    expect(box.callsAs('service-account')).toEqual([]);
  });

  it('offers a person without a connection to connect an account', async () => {
    const response = await get();
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({
      code: 'connection_missing',
      connectUrl: '/box/connect',
    });
  });

  it('offers to connect an account again whose access was removed', async () => {
    await box.connect('ann', { userId: '11111' });
    box.revokeUserConnection('11111');

    expect(await (await get()).json()).toMatchObject({ code: 'reauthorization_required' });
  });
});

// The tests below are not in the documentation.

it('docs/testing.md shows the tests of connections that run here', () => {
  const page = readFileSync(new URL('../../../docs/testing.md', import.meta.url), 'utf8');
  const here = readFileSync(new URL(import.meta.url), 'utf8');
  const shown = [...page.matchAll(/^```ts\n(.*?)^```$/gms)]
    .map(([, block = '']) => block.replaceAll(/^import [^;]*;\n|^declare [^;]*;\n/gm, '').trim())
    .filter((block) => block.includes('BoxConnections'));
  expect(shown).toHaveLength(1);
  for (const block of shown) expect(here).toContain(`\n${block}\n`);
});

const ME = '/2.0/users/me';
const HOUR_MS = 3_600_000;
const ANN = '11111';
const BOB = '22222';

let box: FakeBox;
beforeEach(() => {
  box = new FakeBox({ users: { [BOB]: '7654321' } }).reply('GET', ME, ({ as }) => ({ id: as }));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** The id of the user that a call for `owner` acts as, or the code of its error. */
async function whoAmI(owner = 'ann', label?: string): Promise<unknown> {
  const call = async () => ((await (await box.connections.fetch(ME)).json()) as { id: string }).id;
  return box.connections
    .runAs(owner, call, label)
    .catch((error: { readonly code?: unknown }) => error.code);
}

const statuses = () => box.calls.map(({ status }) => status);

describe('The connections of a FakeBox', () => {
  beforeEach(() => {
    vi.spyOn(Socket.prototype, 'connect').mockImplementation(() => {
      throw new Error('this test has no network');
    });
  });

  it('call with the account of the owner and label, and record only calls of the app', async () => {
    await box.connect('ann', { userId: ANN });
    await box.connect('ann', { userId: BOB, label: 'work' });
    expect(await whoAmI()).toBe(ANN);
    expect(await whoAmI('ann', 'work')).toBe(BOB);
    expect(await whoAmI('eve')).toBe('connection_missing');
    expect(box.calls).toMatchObject([
      { as: ANN, via: 'connection', enterprise: '1', status: 200 },
      { as: BOB, via: 'connection', enterprise: '7654321', status: 200 },
    ]);
    expect(() => box.expectCall('GET', ME, { as: ANN, via: 'token' })).toThrow(
      'GET /2.0/users/me as 11111 (via connection): 200',
    );
  });

  it('describe the account', async () => {
    const connection = await box.connect('ann', { userId: BOB });
    expect(connection).toMatchObject({
      owner: 'ann',
      user: { id: BOB, login: 'user-22222@example.com', name: 'User 22222', enterprise: '7654321' },
      status: 'active',
    });
    expect(await box.connections.get('ann')).toEqual(connection);
  });

  it('refresh a token that Box has revoked, and replay the call', async () => {
    await box.connect('ann', { userId: ANN });
    expect(await whoAmI()).toBe(ANN);
    box.revokeAllTokens();
    expect(await whoAmI()).toBe(ANN);
    expect(statuses()).toEqual([200, 401, 200]);
  });

  it('refresh an expired token when a test sets the date', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout'] });
    await box.connect('ann', { userId: ANN });
    const first = await box.connections.getToken('ann');
    vi.setSystemTime(Date.now() + HOUR_MS);
    const second = await box.connections.getToken('ann');
    expect(second.value).not.toBe(first.value);
    expect(await whoAmI()).toBe(ANN);
  });

  it('end for one user with revokeUserConnection, until that user connects again', async () => {
    await box.connect('ann', { userId: ANN });
    await box.connect('ben', { userId: BOB });
    expect(await whoAmI()).toBe(ANN);
    box.revokeUserConnection(ANN);
    expect(await whoAmI()).toBe('reauthorization_required');
    expect(await box.connections.get('ann')).toMatchObject({ status: 'reauthorization_required' });
    expect(await whoAmI('ben')).toBe(BOB);
    await box.connect('ann', { userId: ANN });
    expect(await whoAmI()).toBe(ANN);
  });

  it('fail while failTokens lasts, also to connect', async () => {
    await box.connect('ann', { userId: ANN });
    expect(await whoAmI()).toBe(ANN);
    box.failTokens('rate_limited');
    expect(await whoAmI()).toBe('rate_limited');
    expect(await outcome(box.connect('ben', { userId: BOB }))).toBe('rate_limited');
    box.heal();
    expect(await whoAmI()).toBe(ANN);
    await box.connect('ben', { userId: BOB });
    expect(await whoAmI('ben')).toBe(BOB);
  });

  it('of users in an enterprise that has removed the app fail', async () => {
    await box.connect('ann', { userId: ANN });
    await box.connect('ben', { userId: BOB });
    box.deauthorize('7654321');
    expect([await whoAmI(), await whoAmI('ben')]).toEqual([ANN, 'app_not_authorized']);
    box.authorize('7654321');
    expect(await whoAmI('ben')).toBe(BOB);
  });

  it('are revoked by disconnect', async () => {
    await box.connect('ann', { userId: ANN });
    const { value } = await box.connections.getToken('ann');
    expect(await box.connections.disconnect('ann')).toEqual({ revoked: true });
    expect(await whoAmI()).toBe('connection_missing');
    await box.fetch(ME, { headers: { authorization: `Bearer ${value}` } });
    expect(statuses()).toEqual([401]);
  });

  it('are removed by reset, while apps stay attached', async () => {
    const attached = box.connections;
    await box.connect('ann', { userId: ANN });
    expect(await whoAmI()).toBe(ANN);
    box.reset();
    expect(box.connections).toBe(attached);
    expect(await whoAmI()).toBe('connection_missing');
    box.reply('GET', ME, { id: 'again' });
    await box.connect('ann', { userId: BOB });
    expect(await whoAmI()).toBe('again');
    expect(box.callsAs(BOB)).toHaveLength(1);
  });

  it('survive an app that closes them', async () => {
    await box.connect('ann', { userId: ANN });
    const closed = box.connections;
    await closed.close();
    expect(box.connections).not.toBe(closed);
    expect(await whoAmI()).toBe(ANN);
  });

  it('refuse an owner that is not valid', async () => {
    expect(await outcome(box.connect('', { userId: ANN }))).toBe('owner_invalid');
  });
});

describe('An app whose BoxConnections are those of a FakeBox', () => {
  let app: INestApplication;
  afterEach(() => app.close());

  it('uses them with HttpService, on routes of its own', async () => {
    const routes = { owner: () => 'ann', callback: '/own/callback' };
    box = new FakeBox({
      routes: { redirectUri: 'https://app.example.com/api/own/callback', connectUrl: '/api/c' },
    }).reply('GET', ME, {});
    const imports = [
      BoxAuthModule.forRoot(),
      BoxHttpModule,
      BoxConnectionsModule.forRoot({ vault, routes }),
    ];
    const module = await Test.createTestingModule({ imports })
      .overrideProvider(BoxTokenProvider)
      .useValue(box.provider)
      .overrideProvider(BoxConnections)
      .useValue(box.connections)
      .compile();
    app = module.createNestApplication({ logger: false });
    await app.init();
    const call = () => app.get(HttpService).axiosRef.get(ME);
    expect(await outcome(box.connections.runAs('ann', call))).toBe('connection_missing');
    await expect(box.connections.getToken('ann')).rejects.toMatchObject({ connectUrl: '/api/c' });
    await box.connect('ann', { userId: ANN });
    await box.connections.runAs('ann', call);
    box.expectCall('GET', ME, { as: ANN, via: 'connection' });
  });
});

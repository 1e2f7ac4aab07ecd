import { type Server } from 'node:http';
import { Controller, Get, type INestApplication, Module } from '@nestjs/common';
import {
  HealthCheck,
  HealthCheckService,
  HealthIndicatorService,
  TerminusModule,
} from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type BoxConnections, BoxConnectionsModule } from 'nestjs-box-auth/connections';
import { boxConnections } from 'nestjs-box-auth/express';
import { BoxConnectionsHealthIndicator } from 'nestjs-box-auth/terminus';
import { MemoryConnectionVault } from 'nestjs-box-auth/testing';
import {
  ALICE,
  ann,
  ConnectedBox,
  outcome,
  REDIRECT_URI,
  VAULT_SECRET,
} from '../support/box-connections.js';

const SECOND_MS = 1_000;
const OTHER_SECRET = 'another secret of the vault, 0123456789';
const UNAVAILABLE = {
  code: 'vault_unavailable',
  hint: expect.stringContaining('Check whether its database can be reached.') as string,
};

let box: ConnectedBox;
let lists: number;
beforeEach(async () => {
  box = await ConnectedBox.start();
  await box.connect();
  lists = 0;
  const list = box.vault.list.bind(box.vault);
  box.vault.list = (request) => {
    lists += 1;
    return list(request);
  };
});
afterEach(() => box.stop());

const indicatorOf = (connections: BoxConnections) =>
  new BoxConnectionsHealthIndicator(connections, new HealthIndicatorService());
const check = (connections = box.connections) => indicatorOf(connections).isHealthy('vault');

/** Makes the vault unavailable until the returned function is called. */
function loseVault(vault: MemoryConnectionVault = box.vault): () => void {
  const list = vault.list.bind(vault);
  vault.list = () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.7:5432'));
  return () => {
    vault.list = list;
  };
}

describe('The vault is healthy', () => {
  const healthy = { vault: { status: 'up', state: 'healthy' } };

  it('if it can be read, with one read of one connection', async () => {
    await box.connect({ owner: 'ben', binding: 'x' });
    const list = vi.spyOn(box.vault, 'list');
    expect(await check()).toEqual(healthy);
    expect(list.mock.calls).toEqual([[{ app: box.emulator.oauthApp.clientId, limit: 1 }]]);
  });

  it('without a connection', async () => {
    expect(await check(box.open({ vault: new MemoryConnectionVault() }))).toEqual(healthy);
  });

  it('although Box has ended the connection of a person', async () => {
    box.emulator.revokeUserConnection(ALICE);
    box.runtime.freeze(7_200_000);
    const token = box.advanceUntil(box.connections.getToken(ann.owner));
    expect(await outcome(token)).toBe('reauthorization_required');
    expect(await check()).toEqual(healthy);
  });

  it('with one read for all checks at the same time', async () => {
    await Promise.all(Array.from({ length: 20 }, () => check()));
    expect(lists).toBe(1);
    await check();
    expect(lists).toBe(2);
  });
});

describe('The vault is down', () => {
  it('while it is unavailable, since the first check that failed', async () => {
    const since = new Date(box.runtime.now()).toISOString();
    const down = { vault: { status: 'down', state: 'down', ...UNAVAILABLE, since } };
    const heal = loseVault();
    expect(await check()).toEqual(down);
    await box.runtime.advance(SECOND_MS);
    expect(await check()).toEqual(down);
    heal();
    expect(await check()).toMatchObject({ vault: { state: 'healthy' } });
    loseVault();
    expect(await check()).not.toEqual(down);
  });

  it('if it has not responded within 2 s, or within timeoutMs', async () => {
    box.vault.list = () => new Promise(() => undefined);
    for (const timeoutMs of [undefined, 500]) {
      const checking = indicatorOf(box.connections).isHealthy('vault', { timeoutMs });
      await box.runtime.advance((timeoutMs ?? 2 * SECOND_MS) - 1);
      expect(await Promise.race([checking, Promise.resolve('waiting')])).toBe('waiting');
      await box.runtime.advance(1);
      expect(await checking).toMatchObject({ vault: { state: 'down', code: 'timeout' } });
    }
  });

  it('while the key management service is unavailable', async () => {
    const keys = {
      wrap: (key: Uint8Array) => key,
      unwrap: () => Promise.reject(new Error('no KMS')),
    };
    const encrypting = box.open({ secret: undefined, keys, vault: new MemoryConnectionVault() });
    expect(await check(encrypting)).toMatchObject({ vault: { state: 'healthy' } });
    const moving = box.open({ keys });
    await moving.rekey();
    expect(await check(moving)).toMatchObject({ vault: { state: 'down', ...UNAVAILABLE } });
  });
});

describe('The vault is degraded', () => {
  it('if the connection that was read cannot be decrypted', async () => {
    expect(await check(box.open({ secret: OTHER_SECRET }))).toMatchObject({
      vault: {
        state: 'degraded',
        code: 'vault_unreadable',
        hint: expect.stringContaining('`secret`') as string,
      },
    });
  });
});

describe('A check', () => {
  it('shows no owner, no account and no text of the database', async () => {
    const results = [
      await check(),
      await check(box.open({ secret: OTHER_SECRET })),
      (loseVault(), await check()),
    ];
    expect(JSON.stringify(results)).not.toMatch(/ann|11111|ECONNREFUSED|10\.0\.0\.7/);
  });

  it.each([-1, 0.5, 2 ** 31, '1', null])('refuses the timeoutMs %j', async (timeoutMs) => {
    const options = { timeoutMs: timeoutMs as number };
    expect(await outcome(indicatorOf(box.connections).isHealthy('vault', options))).toBe(
      'option_invalid',
    );
  });
});

@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly connections: BoxConnectionsHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.health.check([() => this.connections.isHealthy('vault')]);
  }
}

@Module({
  imports: [TerminusModule],
  controllers: [HealthController],
  providers: [BoxConnectionsHealthIndicator],
})
class HealthModule {}

const options = (vault: MemoryConnectionVault) => ({
  clientId: 'client',
  clientSecret: 'secret',
  redirectUri: REDIRECT_URI,
  secret: VAULT_SECRET,
  vault,
});

describe('A Nest app with terminus', () => {
  let app: INestApplication<Server>;
  afterEach(() => app.close());

  it('responds with 200, and with 503 while the vault is down', async () => {
    const vault = new MemoryConnectionVault();
    const imports = [BoxConnectionsModule.forRoot(options(vault)), HealthModule];
    const module = await Test.createTestingModule({ imports }).compile();
    app = module.createNestApplication<INestApplication<Server>>({ logger: false });
    app.useLogger(false);
    await app.listen(0, '127.0.0.1');
    const get = async () => fetch(`${await app.getUrl()}/health`);
    expect((await get()).status).toBe(200);
    loseVault(vault);
    const response = await get();
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { vault: UNAVAILABLE } });
  });
});

describe('boxConnections().health() of Express', () => {
  it('has the status of a health check', async () => {
    const vault = new MemoryConnectionVault();
    const middleware = boxConnections({ ...options(vault), logger: false });
    expect(await middleware.health()).toEqual({ status: 'up', state: 'healthy' });
    loseVault(vault);
    expect(await middleware.health({ timeoutMs: 100 })).toMatchObject({
      status: 'down',
      state: 'down',
      ...UNAVAILABLE,
    });
    await middleware.close();
  });
});

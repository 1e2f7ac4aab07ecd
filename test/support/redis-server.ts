import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe } from 'vitest';

/** `REDIS_SERVER` can name a compatible program, such as `valkey-server`. */
const PROGRAM = process.env['REDIS_SERVER'] ?? 'redis-server';
const isInstalled = spawnSync(PROGRAM, ['--version']).status === 0;
if (!isInstalled) console.warn(`${PROGRAM} is not on PATH. Skipping the tests that need it.`);

/** Skips where redis-server is missing, except on CI, which must have it. */
export const describeWithRedis =
  isInstalled || process.env['CI'] === 'true' ? describe : describe.skip;

/** A key and its value. */
export interface Dumped {
  readonly key: string;
  readonly value: string;
  readonly ttlMs: number;
}

/** A separate redis-server on a free loopback port, with a temporary folder. */
export class RedisServer {
  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly args: readonly string[],
    private child: ChildProcess,
    private readonly admin: Redis,
  ) {}

  static async start(...args: string[]): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'nestjs-box-auth-redis-'));
    // Another process may take the port before the server does.
    for (let attempt = 0; attempt < 10; attempt++) {
      const port = await freePort();
      const child = await launch(port, folder, args);
      if (child !== undefined) {
        return new RedisServer(port, folder, args, child, adminOf(port));
      }
    }
    await rm(folder, { recursive: true });
    throw new Error(`${PROGRAM} did not start.`);
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Uses a separate connection. */
  command(name: string, ...args: (string | number)[]): Promise<unknown> {
    return this.admin.call(name, ...args);
  }

  /** Everything that a reader of this Redis sees. */
  async dump(): Promise<Dumped[]> {
    const keys = await this.admin.keys('*');
    return await Promise.all(
      keys.toSorted().map(async (key) => ({
        key,
        value: (await this.admin.get(key)) ?? '',
        ttlMs: await this.admin.pttl(key),
      })),
    );
  }

  /** Shortens the time to live of every key. */
  async advance(ms: number): Promise<void> {
    await this.admin.eval(ADVANCE, 0, ms);
  }

  async flush(): Promise<void> {
    await this.admin.flushall();
  }

  /** Stops responding, with all connections open. */
  pause(): void {
    this.child.kill('SIGSTOP');
  }

  resume(): void {
    this.child.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exit;
  }

  /** Starts again on the same port, empty. */
  async restart(): Promise<void> {
    await this.kill();
    const child = await launch(this.port, this.folder, this.args);
    if (child === undefined) throw new Error(`Another process took port ${this.port}.`);
    this.child = child;
  }

  async stop(): Promise<void> {
    this.admin.disconnect();
    await this.kill();
    await rm(this.folder, { recursive: true });
  }
}

/** A cluster of masters that share the slots. */
export class RedisClusterServers {
  private constructor(readonly nodes: readonly RedisServer[]) {}

  static async start(size: number): Promise<RedisClusterServers> {
    const nodes = await Promise.all(
      Array.from({ length: size }, () => RedisServer.start('--cluster-enabled', 'yes')),
    );
    const cluster = new RedisClusterServers(nodes);
    try {
      await cluster.#join();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  get addresses(): { host: string; port: number }[] {
    return this.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  async dump(): Promise<Dumped[]> {
    return (await Promise.all(this.nodes.map((node) => node.dump()))).flat();
  }

  async advance(ms: number): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.advance(ms)));
  }

  async flush(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.flush()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  async #join(): Promise<void> {
    const [first] = this.nodes;
    const share = Math.ceil(SLOTS / this.nodes.length);
    for (const [index, node] of this.nodes.entries()) {
      const end = Math.min((index + 1) * share, SLOTS) - 1;
      await node.command('CLUSTER', 'ADDSLOTSRANGE', index * share, end);
      // Nodes with the same epoch would first have to resolve the conflict.
      await node.command('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
      await node.command('CLUSTER', 'MEET', '127.0.0.1', first?.port ?? 0);
    }
    for (const node of this.nodes) {
      while (!(await isWhole(node, this.nodes.length))) await delay(10);
    }
  }
}

const SLOTS = 16_384;

async function isWhole(node: RedisServer, size: number): Promise<boolean> {
  const info = String(await node.command('CLUSTER', 'INFO'));
  return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${size}`);
}

const ADVANCE = `
for _, key in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('PTTL', key) - tonumber(ARGV[1])
  if left > 0 then redis.call('PEXPIRE', key, left) else redis.call('DEL', key) end
end
`;

function adminOf(port: number): Redis {
  const admin = new Redis(port, '127.0.0.1', { lazyConnect: true, retryStrategy: () => 5 });
  admin.on('error', () => undefined);
  return admin;
}

/** Undefined if the server does not start. */
async function launch(
  port: number,
  folder: string,
  args: readonly string[],
): Promise<ChildProcess | undefined> {
  const own = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder];
  const child = spawn(PROGRAM, [...own, '--save', '', '--appendonly', 'no', ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  if (child.pid !== undefined) watch(child);
  const isReady = new Promise<boolean>((resolve) => {
    let log = '';
    child.stdout.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes('Ready to accept connections')) resolve(true);
    });
    child.once('exit', () => resolve(false));
    child.once('error', () => resolve(false));
  });
  return (await isReady) ? child : undefined;
}

/** Kills the server once this process has ended for any reason: the pipe closes then. */
function watch(child: ChildProcess): void {
  const watcher = spawn('sh', ['-c', 'read _; kill -9 "$0"', String(child.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watcher.unref();
  child.once('exit', () => void watcher.kill('SIGKILL'));
}

/** A free port that leaves room for the cluster bus, which listens 10,000 ports above. */
async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    server.close();
    await once(server, 'close');
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    if (port > 6_379 && port < 55_000) return port;
  }
}

// One process of a fleet: does what its parent orders over IPC, and ends with it.
import { once, setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Cluster, Redis } from 'ioredis';
import { createClient } from 'redis';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { BoxAuthError } from '../../lib/core/errors/box-auth.error.js';
import { type RedisClient, RedisTokenStore } from '../../lib/redis/index.js';
import {
  MEMBER_HEADER,
  type MemberMessage,
  type Order,
  type Report,
  type SharedRedis,
} from './messages.js';

const SECRET = 'a secret of at least thirty-two characters';
const MAX_CONNECTING_MS = 1_000;

interface Connection {
  readonly client: RedisClient;
  readonly isReady: Promise<unknown>;
  readonly close: () => void;
}

function send(message: MemberMessage): void {
  process.send?.(message);
}

/** Connects with the settings that docs/fleet.md recommends. */
function connect({ client: kind, nodes }: SharedRedis): Connection {
  if (kind === 'node-redis') {
    const client = createClient({
      socket: { ...nodes[0], reconnectStrategy: (retries) => Math.min(50 * 2 ** retries, 500) },
    });
    client.on('error', () => undefined);
    return { client, isReady: client.connect(), close: () => client.destroy() };
  }
  const settings = { maxRetriesPerRequest: 1, autoResendUnfulfilledCommands: false };
  const client =
    kind === 'ioredis'
      ? new Redis({ ...nodes[0], ...settings })
      : new Cluster([...nodes], { redisOptions: settings });
  client.on('error', () => undefined);
  return { client, isReady: once(client, 'ready'), close: () => client.disconnect() };
}

async function run(order: Order & { kind: 'run' }, stopping: AbortSignal): Promise<Report> {
  const { redis, apiUrl, config, callers, pauseMs, userIds } = order;
  const connection = redis && connect(redis);
  await Promise.race([connection?.isReady.catch(() => undefined), delay(MAX_CONNECTING_MS)]);
  const refusedAfterMs: number[] = [];
  const observed: typeof fetch = async (input, init) => {
    const sentAt = performance.now();
    const response = await fetch(input, init);
    if (response.status === 401) refusedAfterMs.push(performance.now() - sentAt);
    return response;
  };
  const box = new BoxAuth({
    apiUrl,
    credentials: { config },
    store: connection && new RedisTokenStore({ client: connection.client, secret: SECRET }),
    fetch: (input, init) => {
      const headers = new Headers(init?.headers);
      headers.set(MEMBER_HEADER, String(process.pid));
      return observed(input, { ...init, headers });
    },
  });
  box.events.subscribe((event) => {
    if (event.kind === 'store') send({ kind: 'store', state: event.state });
  });
  const subjects = [undefined, ...userIds.map((id) => ({ type: 'user' as const, id }))];

  let calls = 0;
  let expiredServed = 0;
  const errors: string[] = [];
  const firstWaitsMs: number[] = [];
  const waitsMs: number[] = [];
  setMaxListeners(0, stopping);
  const caller = async (number: number) => {
    const subject = subjects[number % subjects.length];
    let waits = firstWaitsMs;
    await delay((pauseMs * number) / callers);
    while (!stopping.aborted) {
      calls += 1;
      try {
        const requestedAt = performance.now();
        const token = await box.provider.getToken({ subject });
        waits.push(performance.now() - requestedAt);
        waits = waitsMs;
        if ((token.expiresAt ?? Infinity) <= Date.now()) expiredServed += 1;
        const response = await (subject === undefined
          ? box.fetch('/2.0/users/me')
          : observed(`${apiUrl}/2.0/users/me`, {
              headers: {
                authorization: `Bearer ${token.value}`,
                [MEMBER_HEADER]: String(process.pid),
              },
            }));
        await response.arrayBuffer();
        if (response.status === 401) box.provider.invalidate(token);
        else if (!response.ok) errors.push(`status ${response.status}`);
      } catch (error) {
        errors.push(error instanceof BoxAuthError ? error.code : String(error));
      }
      await delay(pauseMs * (0.75 + Math.random() / 2), undefined, { signal: stopping }).catch(
        () => undefined,
      );
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, number) => caller(number)));
  box.close();
  connection?.close();
  return { calls, errors, firstWaitsMs, waitsMs, refusedAfterMs, expiredServed };
}

let stopping = new AbortController();
process.on('disconnect', () => process.exit());
process.on('message', (order: Order) => {
  if (order.kind === 'stop') {
    stopping.abort();
    return;
  }
  stopping = new AbortController();
  void run(order, stopping.signal).then((report) => send({ kind: 'report', ...report }));
});
send({ kind: 'ready' });

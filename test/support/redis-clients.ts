import type { EventEmitter } from 'node:events';
import { Cluster, Redis } from 'ioredis';
import { Cluster as Cluster6, Redis as Redis6 } from 'ioredis6';
import { createClient, createCluster } from 'redis';
import { createClient as createClient6, createCluster as createCluster6 } from 'redis6';
import type { RedisClient } from 'nestjs-box-auth/redis';

/** A connected client. `close` is for its owner. */
export interface ConnectedClient {
  readonly client: RedisClient;
  readonly events: Pick<EventEmitter, 'once' | 'eventNames' | 'listenerCount'>;
  readonly close: () => void;
}

/** Without `reconnects`, a lost connection stays lost. */
interface Reconnecting {
  readonly reconnects: boolean;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

const ignore = () => undefined;
const lazy = { lazyConnect: true } as const;

type Connect = (port: number, options?: Reconnecting) => Promise<ConnectedClient>;

/** Connects each supported client to one server. */
export const connectors: Readonly<Record<string, Connect>> = {
  'ioredis 5': async (port, options) => {
    const client = new Redis(port, '127.0.0.1', ioredisOptions(options)).on('error', ignore);
    await client.connect();
    return { client, events: client, close: () => client.disconnect() };
  },
  'ioredis 6': async (port, options) => {
    const client = new Redis6(port, '127.0.0.1', ioredisOptions(options)).on('error', ignore);
    await client.connect();
    return { client, events: client, close: () => client.disconnect() };
  },
  'redis 5': async (port, options) => {
    const client = createClient({ socket: socketOptions(port, options) }).on('error', ignore);
    await client.connect();
    return { client, events: client, close: () => client.destroy() };
  },
  'redis 6': async (port, options) => {
    const client = createClient6({ socket: socketOptions(port, options) }).on('error', ignore);
    await client.connect();
    return { client, events: client, close: () => client.destroy() };
  },
};

function ioredisOptions({ reconnects }: Reconnecting = { reconnects: true }) {
  return { ...lazy, retryStrategy: () => (reconnects ? 5 : null) };
}

function socketOptions(port: number, { reconnects }: Reconnecting = { reconnects: true }) {
  return { port, reconnectStrategy: reconnects ? () => 5 : (false as const) };
}

/** Connects each supported client to a cluster. */
export const clusterConnectors: Readonly<
  Record<string, (nodes: Address[]) => Promise<ConnectedClient>>
> = {
  'ioredis 5': async (nodes) => {
    const client = new Cluster(nodes, lazy).on('error', ignore);
    await client.connect();
    return { client, events: client, close: () => client.disconnect() };
  },
  'ioredis 6': async (nodes) => {
    const client = new Cluster6(nodes, lazy).on('error', ignore);
    await client.connect();
    return { client, events: client, close: () => client.disconnect() };
  },
  'redis 5': async (nodes) => {
    const client = createCluster({ rootNodes: nodes.map((socket) => ({ socket })) });
    client.on('error', ignore);
    await client.connect();
    return { client, events: client, close: () => client.destroy() };
  },
  'redis 6': async (nodes) => {
    const client = createCluster6({ rootNodes: nodes.map((socket) => ({ socket })) });
    client.on('error', ignore);
    await client.connect();
    return { client, events: client, close: () => client.destroy() };
  },
};

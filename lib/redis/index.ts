export type {
  IoredisClient,
  NodeRedisClient,
  NodeRedisCluster,
  RedisClient,
} from './redis-port.js';
export { RedisTokenStore, type RedisTokenStoreOptions } from './redis-token-store.js';

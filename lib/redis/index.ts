export type {
  IoredisClient,
  NodeRedisClient,
  NodeRedisCluster,
  RedisClient,
} from './redis-clients.js';
export { RedisTokenStore, type RedisTokenStoreOptions } from './redis-token-store.js';

export type {
  IoredisClient,
  NodeRedisClient,
  NodeRedisCluster,
  RedisClient,
} from './redis-clients.js';
export { RedisTokenStore, type RedisTokenStoreOptions } from './redis-token-store.js';
export {
  RedisWebhookDeliveries,
  type RedisWebhookDeliveriesOptions,
} from './redis-webhook-deliveries.js';

import { type TokenStore } from 'nestjs-box-auth';
import { type Environment } from '../environment.js';

/** A token store, and a function that closes its connection. */
export interface SharedTokens {
  readonly store: TokenStore;
  readonly close: () => void;
}

/** A store in Redis, for processes that share tokens. Undefined without `REDIS_URL`. */
export async function tokenStoreIn(
  { REDIS_URL = '' }: Environment,
  secret: string,
): Promise<SharedTokens | undefined> {
  if (REDIS_URL.trim() === '') return undefined;
  // Loaded by portals with Redis only.
  const { redisStore } = await import('./redis-store.js');
  return redisStore(REDIS_URL, secret);
}

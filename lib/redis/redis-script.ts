import { createHash } from 'node:crypto';

/** A Lua script, and its hash for EVALSHA. */
export interface RedisScript {
  readonly source: string;
  readonly sha1: string;
}

export function redisScript(text: string): RedisScript {
  const source = text.trim();
  return { source, sha1: createHash('sha1').update(source).digest('hex') };
}

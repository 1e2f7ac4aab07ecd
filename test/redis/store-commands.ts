import type { StoredToken, TokenStore } from 'nestjs-box-auth';
import type { RedisServer } from '../support/redis-server.js';
import { thrownBy } from '../support/thrown.js';

export const secret = 'a secret of at least thirty-two characters';
export const id = 'identity of client-0815';
export const request = { owner: 'owner', leaseMs: 60_000, newerThan: 0 };
export const token: StoredToken = { value: 'token-4711', lifetimeMs: 3_600_000, expiresAt: 1 };

/** One of each command. */
export const commands: Readonly<Record<string, (store: TokenStore) => Promise<unknown>>> = {
  claim: (store) => store.claim(id, request),
  publish: (store) => store.publish(id, 1, token, 0),
  invalidate: (store) => store.invalidate(id, 1),
  fail: (store) => store.fail(id, 'owner', 1_000, 'reason'),
};

export async function fenceOf(store: TokenStore, claim = request): Promise<number> {
  const answer = await store.claim(id, claim);
  if (answer.state !== 'claimed') throw new Error(answer.state);
  return answer.fence;
}

/** How often each command was called since the statistics were reset. */
export async function callsAt(server: RedisServer): Promise<Record<string, number>> {
  const stats = String(await server.command('INFO', 'commandstats'));
  const lines = [...stats.matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm)];
  return Object.fromEntries(lines.map(([, name = '', calls]) => [name, Number(calls)]));
}

export async function refusalsOf(store: TokenStore, names = Object.keys(commands)) {
  return await Promise.all(names.map((name) => thrownBy(() => commands[name]?.(store))));
}

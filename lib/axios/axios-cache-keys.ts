import type { AxiosInstance, AxiosRequestConfig } from 'axios';
import { currentActingUser } from '../core/acting/acting-user.context.js';
import { fingerprint } from '../core/errors/secret.js';
import type { OutgoingPolicy } from '../core/http/outgoing-policy.js';

/** Of axios-cache-interceptor, which puts it on the instance that it caches for. */
type KeyGenerator = (config: AxiosRequestConfig & { id?: string }, ...meta: unknown[]) => string;

/**
 * axios-cache-interceptor keys responses by URL, so that one user would get those of another: adds the acting user, and the
 * identity in a caller's own headers, to its keys. It may be set up before or after, as it reads `generateKey` at each call.
 */
export function cacheByIdentity(instance: AxiosInstance, policy: OutgoingPolicy): void {
  let generateKey: unknown = Reflect.get(instance, 'generateKey');
  Reflect.defineProperty(instance, 'generateKey', {
    get: () => (isKeyGenerator(generateKey) ? withIdentity(generateKey, policy) : generateKey),
    set: (next: unknown) => {
      generateKey = next;
    },
    configurable: true,
  });
}

function withIdentity(generateKey: KeyGenerator, policy: OutgoingPolicy): KeyGenerator {
  return (config, ...meta) => {
    const key = generateKey(config, ...meta);
    const prefix = prefixOf(config.headers ?? {}, policy);
    // A call that waited for another one keeps its key as its `id`.
    return key.startsWith(prefix) ? key : prefix + key;
  };
}

/** Empty for the service account. Nobody can read an identity from it: it is part of the `config` of errors. */
function prefixOf(headers: object, policy: OutgoingPolicy): string {
  const { via, id } = currentActingUser(policy) ?? {};
  // axios trims names before it sends them.
  const values = new Map<string, unknown>(
    Object.entries(headers).map(([name, value]) => [name.trim().toLowerCase(), value]),
  );
  const identity = [via, id, ...policy.protectedHeaderNames.map((name) => values.get(name))];
  return identity.every((part) => part === undefined)
    ? ''
    : `${fingerprint(...identity.map(String)).slice(0, 16)} `;
}

function isKeyGenerator(value: unknown): value is KeyGenerator {
  return typeof value === 'function';
}

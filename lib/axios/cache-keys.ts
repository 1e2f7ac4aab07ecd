import type { AxiosInstance, AxiosRequestConfig } from 'axios';
import { currentActing } from '../core/acting/acting.context.js';
import { fingerprint } from '../core/errors/secret.js';
import type { OutgoingPolicy } from '../core/http/outgoing-policy.js';

/** The key generator of axios-cache-interceptor, a property of the instance that it caches for. */
type KeyGenerator = (config: AxiosRequestConfig & { id?: string }, ...meta: unknown[]) => string;

/**
 * Adds the acting user, the enterprise, the connection, and the identity in the caller's own headers, to the keys of
 * axios-cache-interceptor. Its default keys contain only the URL, so one user would get the responses of another. It reads
 * `generateKey` at each call, so the app may set it up before or after this function runs.
 */
export function addIdentityToCacheKeys(instance: AxiosInstance, policy: OutgoingPolicy): void {
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
    const prefix = identityPrefix(config.headers ?? {}, policy);
    // A call that waited for another call has the key of that call, with the prefix, as its `id`.
    return key.startsWith(prefix) ? key : prefix + key;
  };
}

/** Empty for the service account. A hash, because the key is part of the `config` of errors. */
function identityPrefix(headers: object, policy: OutgoingPolicy): string {
  const { enterprise, user, connection } = currentActing(policy) ?? {};
  // axios trims header names before it sends them.
  const values = new Map<string, unknown>(
    Object.entries(headers).map(([name, value]) => [name.trim().toLowerCase(), value]),
  );
  const acting = [user?.via, user?.id, enterprise, connection?.key];
  const identity = [...acting, ...policy.protectedHeaderNames.map((name) => values.get(name))];
  return identity.every((part) => part === undefined)
    ? ''
    : `${fingerprint(...identity.map(String)).slice(0, 16)} `;
}

function isKeyGenerator(value: unknown): value is KeyGenerator {
  return typeof value === 'function';
}

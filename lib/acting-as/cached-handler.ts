import { type ExecutionContext, RequestMethod } from '@nestjs/common';
import type { ApplicationConfig, Reflector } from '@nestjs/core';
import { BoxAuthError } from '../errors/box-auth.error.js';

// The keys of Nest's own decorators: `@UseInterceptors()`, `@Get()` and, of @nestjs/cache-manager, `@CacheKey()`.
const INTERCEPTORS = '__interceptors__';
const METHOD = 'method';
const CACHE_KEY = 'cache_module:cache_key';

type Handler = ReturnType<ExecutionContext['getHandler']>;

/**
 * Refuses a handler whose results Nest's `CacheInterceptor` keeps by URL, or by one key: the first user's response would be
 * served to all others, without a call of the handler.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function refuseCacheByUrl(
  invocation: ExecutionContext,
  reflector: Reflector,
  config: ApplicationConfig,
): void {
  const [owner, handler] = [invocation.getClass(), invocation.getHandler()];
  if (!isKeyShared(handler, reflector)) return;
  const interceptors: readonly unknown[] = [
    ...[handler, owner].flatMap((target) => reflector.get<unknown>(INTERCEPTORS, target) ?? []),
    ...config.getGlobalInterceptors(),
    ...config.getGlobalRequestInterceptors().map(({ metatype }) => metatype),
  ];
  if (!interceptors.some(isCacheInterceptor)) return;
  throw new BoxAuthError({
    code: 'option_invalid',
    message: `CacheInterceptor caches ${owner.name}.${handler.name} with one key for all users, and @AsUser gives each user a response of their own.`,
    hint: 'Put the user into the key: extend CacheInterceptor and override `trackBy`, or give `@CacheKey` a function. docs/limits.md has both.',
    docs: 'https://docs.nestjs.com/techniques/caching#different-key-per-request',
  });
}

/** What the handler's responses are kept under, unless a subclass of `CacheInterceptor` decides it. */
function isKeyShared(handler: Handler, reflector: Reflector): boolean {
  const key: unknown = reflector.get(CACHE_KEY, handler);
  if (key !== undefined) return typeof key !== 'function';
  const method: unknown = reflector.get(METHOD, handler);
  return method === RequestMethod.GET || method === RequestMethod.ALL;
}

/** Nest's own, or a subclass with the same `trackBy`: known by its methods, as a bundler may have changed its name. */
function isCacheInterceptor(interceptor: unknown): boolean {
  let prototype: unknown = typeof interceptor === 'function' ? interceptor.prototype : interceptor;
  while (isObject(prototype) && !Object.hasOwn(prototype, 'trackBy')) {
    prototype = Object.getPrototypeOf(prototype);
  }
  return (
    isObject(prototype) &&
    Object.hasOwn(prototype, 'isRequestCacheable') &&
    Object.getPrototypeOf(prototype) === Object.prototype
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

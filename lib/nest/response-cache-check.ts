import { type ExecutionContext, RequestMethod } from '@nestjs/common';
import type { ApplicationConfig, ModulesContainer, Reflector } from '@nestjs/core';
import { BoxAuthError } from '../core/errors/box-auth.error.js';

// The keys of Nest's own decorators: `@UseInterceptors()`, `@Get()` and, of @nestjs/cache-manager, `@CacheKey()`.
const INTERCEPTORS = '__interceptors__';
const METHOD = 'method';
const CACHE_KEY = 'cache_module:cache_key';

type Handler = ReturnType<ExecutionContext['getHandler']>;

/** Where Nest keeps the interceptors of an app. */
export interface InterceptorSources {
  readonly reflector: Reflector;
  readonly config: ApplicationConfig;
  readonly modules: ModulesContainer;
}

/**
 * Rejects a handler whose results Nest's `CacheInterceptor` caches by URL or by a fixed key: it would serve the first user's
 * response to all other users.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function rejectSharedCache(
  invocation: ExecutionContext,
  { reflector, config, modules }: InterceptorSources,
): void {
  const [owner, handler] = [invocation.getClass(), invocation.getHandler()];
  const key: unknown = reflector.get(CACHE_KEY, handler);
  if (typeof key === 'function') return;
  const interceptors: readonly unknown[] = [
    ...[handler, owner].flatMap((target) => reflector.get<unknown>(INTERCEPTORS, target) ?? []),
    ...config.getGlobalInterceptors(),
    ...config.getGlobalRequestInterceptors().map(({ metatype }) => metatype),
  ];
  const isCaching = (interceptor: unknown) =>
    isCacheInterceptor(interceptor) &&
    (key !== undefined || isCached(handler, reflector, instanceOf(interceptor, modules)));
  if (!interceptors.some(isCaching)) return;
  throw new BoxAuthError({
    code: 'option_invalid',
    message: `CacheInterceptor caches ${owner.name}.${handler.name} with one key for all requests, but with @AsUser, @AsConnectedUser and @ForEnterprise each user and tenant has a different response.`,
    hint: 'Add the user and the enterprise to the key: extend CacheInterceptor and override `trackBy`, or pass a function to `@CacheKey`. docs/limits.md shows both.',
    docs: 'https://docs.nestjs.com/techniques/caching#different-key-per-request',
  });
}

/** Whether `interceptor` caches the handler's responses by URL. It caches GET, unless a subclass allows other methods. */
function isCached(handler: Handler, reflector: Reflector, interceptor: unknown): boolean {
  const method = reflector.get<RequestMethod | undefined>(METHOD, handler);
  if (method === undefined) return false;
  if (method === RequestMethod.GET || method === RequestMethod.ALL) return true;
  const allowed: unknown = isObject(interceptor)
    ? Reflect.get(interceptor, 'allowedMethods')
    : undefined;
  return Array.isArray(allowed) && allowed.includes(RequestMethod[method]);
}

/** Nest creates one instance of an interceptor's class for each module. */
function instanceOf(interceptor: unknown, modules: ModulesContainer): unknown {
  if (typeof interceptor !== 'function') return interceptor;
  return [...modules.values()]
    .map(({ injectables }): unknown => injectables.get(interceptor)?.instance)
    .find(isObject);
}

/** Nest's CacheInterceptor, or a subclass with the same `trackBy`. Recognised by its methods, as bundlers rename classes. */
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

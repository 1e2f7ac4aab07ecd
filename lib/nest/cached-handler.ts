import { type ExecutionContext, RequestMethod } from '@nestjs/common';
import type { ApplicationConfig, ModulesContainer, Reflector } from '@nestjs/core';
import { BoxAuthError } from '../core/errors/box-auth.error.js';

// The keys of Nest's own decorators: `@UseInterceptors()`, `@Get()` and, of @nestjs/cache-manager, `@CacheKey()`.
const INTERCEPTORS = '__interceptors__';
const METHOD = 'method';
const CACHE_KEY = 'cache_module:cache_key';

type Handler = ReturnType<ExecutionContext['getHandler']>;

/** Where the interceptors of an app are. */
export interface InterceptorSources {
  readonly reflector: Reflector;
  readonly config: ApplicationConfig;
  readonly modules: ModulesContainer;
}

/**
 * Refuses a handler whose results Nest's `CacheInterceptor` keeps by URL, or by one key: the first user's response would be
 * served to all others, without a call of the handler.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function refuseCacheByUrl(
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
    message: `CacheInterceptor caches ${owner.name}.${handler.name} with one key for all users, and @AsUser gives each user a response of their own.`,
    hint: 'Put the user into the key: extend CacheInterceptor and override `trackBy`, or give `@CacheKey` a function. docs/limits.md has both.',
    docs: 'https://docs.nestjs.com/techniques/caching#different-key-per-request',
  });
}

/** Whether `interceptor` keeps the handler's responses by URL: those to GET, unless a subclass allows other methods. */
function isCached(handler: Handler, reflector: Reflector, interceptor: unknown): boolean {
  const method = reflector.get<RequestMethod | undefined>(METHOD, handler);
  if (method === undefined) return false;
  if (method === RequestMethod.GET || method === RequestMethod.ALL) return true;
  const allowed: unknown = isObject(interceptor)
    ? Reflect.get(interceptor, 'allowedMethods')
    : undefined;
  return Array.isArray(allowed) && allowed.includes(RequestMethod[method]);
}

/** Nest makes one instance of an interceptor's class for each module. */
function instanceOf(interceptor: unknown, modules: ModulesContainer): unknown {
  if (typeof interceptor !== 'function') return interceptor;
  return [...modules.values()]
    .map(({ injectables }): unknown => injectables.get(interceptor)?.instance)
    .find(isObject);
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

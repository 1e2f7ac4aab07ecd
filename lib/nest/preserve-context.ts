import { AsyncResource } from 'node:async_hooks';
import { Readable } from 'node:stream';
import { StreamableFile } from '@nestjs/common';

/**
 * Binds the result of a handler to the handler's async context, which has the acting user. Nest and GraphQL read streams and
 * generators after the handler has returned, and would run their code in another context.
 */
export function preserveContext(result: unknown): unknown {
  if (!isObject(result)) return result;
  const body = bodyOf(result);
  if (body instanceof Readable) {
    body._read = AsyncResource.bind(body._read.bind(body));
    return result;
  }
  if (body instanceof ReadableStream) {
    const context = handlerContext();
    const getReader: (options: unknown) => object = body.getReader.bind(body);
    const value = (options: unknown): object => bindMethods(getReader(options), context);
    Object.defineProperty(body, 'getReader', { value, configurable: true });
    return result;
  }
  return isAsyncIterable(result) ? bindMethods(result, handlerContext()) : result;
}

function handlerContext(): AsyncResource {
  return new AsyncResource('nestjs-box-auth.acting-user');
}

function bodyOf(result: object): unknown {
  if (result instanceof StreamableFile) return result.getStream();
  // Not instanceof: Node and each copy of undici have a Response class of their own.
  return Object.prototype.toString.call(result) === '[object Response]'
    ? Reflect.get(result, 'body')
    : result;
}

function isAsyncIterable(result: object): boolean {
  return typeof Reflect.get(result, Symbol.asyncIterator) === 'function';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** A proxy of `target` that runs every method in `context`. */
function bindMethods<T extends object>(target: T, context: AsyncResource): T {
  return new Proxy(target, {
    get(_, key) {
      const member: unknown = Reflect.get(target, key);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]): unknown => {
        const result: unknown = context.runInAsyncScope((): unknown =>
          Reflect.apply(member, target, args),
        );
        const isIterator = key === Symbol.asyncIterator && isObject(result);
        return isIterator ? bindMethods(result, context) : result;
      };
    },
  });
}

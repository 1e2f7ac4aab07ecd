import { AsyncResource } from 'node:async_hooks';
import { Readable } from 'node:stream';
import { StreamableFile } from '@nestjs/common';

/**
 * What a handler returned, in such a way that it acts for the handler's user whoever reads it: Nest and GraphQL read
 * streams and generators after the handler is done, and their code runs in the context of whoever asks for the next piece.
 */
export function readInThisContext(result: unknown): unknown {
  if (!isObject(result)) return result;
  const body = bodyOf(result);
  if (body instanceof Readable) {
    body._read = AsyncResource.bind(body._read.bind(body));
    return result;
  }
  if (body instanceof ReadableStream) {
    const here = new AsyncResource('nestjs-box-auth.acting-as');
    const getReader: (options: unknown) => object = body.getReader.bind(body);
    const value = (options: unknown): object => callsRunIn(here, getReader(options));
    Object.defineProperty(body, 'getReader', { value, configurable: true });
    return result;
  }
  return isAsyncIterable(result)
    ? callsRunIn(new AsyncResource('nestjs-box-auth.acting-as'), result)
    : result;
}

function bodyOf(result: object): unknown {
  if (result instanceof StreamableFile) return result.getStream();
  // There may be several classes of the name: Node's own, and those of undici.
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

/** The same object, with every method run in the context that `here` was made in. */
function callsRunIn<T extends object>(here: AsyncResource, target: T): T {
  return new Proxy(target, {
    get(_, key) {
      const member: unknown = Reflect.get(target, key);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]): unknown => {
        const result: unknown = here.runInAsyncScope((): unknown =>
          Reflect.apply(member, target, args),
        );
        return key === Symbol.asyncIterator && isObject(result) ? callsRunIn(here, result) : result;
      };
    },
  });
}

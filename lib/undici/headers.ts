/** Joins all values of a header, in any form that undici accepts. Undici sends null as an empty value, and skips undefined and []. */
export function headerOf(headers: unknown, name: string): string | undefined {
  if (headers === undefined) return undefined;
  const flat = toFlatList(headers);
  const values: unknown[] = [];
  for (let index = 0; index < flat.length; index += 2) {
    const value = flat[index + 1];
    if (value === undefined || String(flat[index]).toLowerCase() !== name) continue;
    if (isList(value)) values.push(...value);
    else values.push(value);
  }
  return values.length === 0 ? undefined : values.join(', ');
}

/** Copies headers that are an iterator, which can be read only once. */
export function toRereadable(headers: unknown): unknown {
  return isObject(headers) && !isList(headers) && isIterable(headers)
    ? readPairs(headers)
    : headers;
}

/** Copies headers: the caller may change its own after the call. */
export function copyHeaders(headers: unknown): unknown {
  if (!isObject(headers)) return headers;
  if (isList(headers)) return [...headers];
  return isIterable(headers) ? readPairs(headers) : { ...headers };
}

/** Adds headers, none of which may exist yet. Invalid headers stay unchanged, and undici rejects them. */
export function withHeaders(headers: unknown, added: Readonly<Record<string, string>>): unknown {
  const own = toRereadable(headers ?? {});
  if (!isObject(own) || own instanceof InvalidPairs) return own;
  // The spread comes first, because `Object.assign` would set the prototype to the value of a header `__proto__`.
  if (!isList(own)) return Object.assign({ ...own }, added);
  const pairs = Object.entries(added);
  return [...own, ...(isListOfPairs(own) ? pairs : pairs.flat())];
}

/** Adds headers, and bypasses caches nearer the network, which key by URL alone (RFC 9111, section 5.2.1.5). */
export function withNoStore(
  headers: unknown,
  added: Readonly<Record<string, string>> = {},
): unknown {
  const name = 'cache-control';
  const directives = headerOf(headers, name);
  return directives === undefined
    ? withHeaders(headers, { [name]: 'no-store', ...added })
    : withHeaders(withoutHeaders(headers, [name]), { [name]: `${directives}, no-store`, ...added });
}

/** Removes the headers with these names (lower case). Returns the same object if it has none of them. */
export function withoutHeaders(headers: unknown, names: readonly string[]): unknown {
  if (names.every((name) => headerOf(headers, name) === undefined)) return headers;
  const isKept = (name: unknown) => !names.includes(String(name).toLowerCase());
  if (isObject(headers) && !isIterable(headers)) {
    return Object.fromEntries(Object.entries(headers).filter(([name]) => isKept(name)));
  }
  if (isList(headers) && isListOfPairs(headers)) {
    return headers.filter((pair) => !isPair(pair) || isKept(pair[0]));
  }
  const flat = toFlatList(headers);
  return flat.filter((_, index) => isKept(flat[index - (index % 2)]));
}

/** Names and values alternate. */
function toFlatList(headers: unknown): readonly unknown[] {
  const readable = toRereadable(headers);
  if (isList(readable)) return isListOfPairs(readable) ? readable.flat() : readable;
  return isObject(readable) && !(readable instanceof InvalidPairs)
    ? Object.entries(readable).flat()
    : [];
}

/** Returns a list in which names and values alternate, or pairs that undici rejects. */
function readPairs(headers: Iterable<unknown>): unknown {
  const read: unknown[] = [];
  try {
    for (const pair of headers) read.push(pair);
  } catch (error) {
    return new InvalidPairs(read, () => {
      throw error;
    });
  }
  return read.every(isPair) ? read.flat() : new InvalidPairs(read);
}

/** Repeats to undici what an iterable contained, so that it fails with the error of undici or of the iterable. */
class InvalidPairs implements Iterable<unknown> {
  constructor(
    private readonly read: readonly unknown[],
    private readonly end: () => void = () => undefined,
  ) {}

  *[Symbol.iterator](): Iterator<unknown> {
    yield* this.read;
    this.end();
  }
}

function isPair(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length === 2;
}

/** `interceptors.dns()` accepts lists of pairs. undici itself accepts only flat lists, but pairs in other iterables. */
function isListOfPairs(list: readonly unknown[]): boolean {
  return Array.isArray(list[0]);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** As in undici, a plain object is not, even if a library has added an iterator to all objects. */
export function isIterable(value: object): value is Iterable<unknown> {
  if (!(Symbol.iterator in value)) return false;
  return Object.getPrototypeOf(value) !== Object.prototype || Object.hasOwn(value, Symbol.iterator);
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** A method in upper case. undici rejects another value than a string. */
export function upperCase(method: unknown): string {
  return String(method).toUpperCase();
}

/** Joins all values of a header, in any form that undici accepts. Undici sends null as an empty value, and skips undefined and []. */
export function headerOf(headers: unknown, name: string): string | undefined {
  const flat = toFlatList(headers);
  const values = flat
    .filter(
      (value, index) =>
        index % 2 === 1 && value !== undefined && String(flat[index - 1]).toLowerCase() === name,
    )
    .flat();
  return values.length === 0 ? undefined : values.join(', ');
}

/** Copies headers that are an iterator, which can be read only once. */
export function toRereadable(headers: unknown): unknown {
  return isObject(headers) && isIterable(headers) ? toFlatList(headers) : headers;
}

/** Copies headers: the caller may change its own after the call. */
export function copyHeaders(headers: unknown): unknown {
  if (!isObject(headers)) return headers;
  return isIterable(headers) ? [...toFlatList(headers)] : { ...headers };
}

/** Adds headers, none of which may exist yet. Headers of another type stay unchanged, and undici rejects them. */
export function withHeaders(headers: unknown, added: Readonly<Record<string, string>>): unknown {
  const own = headers ?? {};
  if (!isObject(own)) return headers;
  return isIterable(own)
    ? [...toFlatList(own), ...Object.entries(added).flat()]
    : { ...own, ...added };
}

/** Bypasses caches nearer the network, which key by URL alone (RFC 9111, section 5.2.1.5). */
export function withNoStore(headers: unknown): unknown {
  const name = 'cache-control';
  const directives = headerOf(headers, name);
  return directives === undefined
    ? withHeaders(headers, { [name]: 'no-store' })
    : withHeaders(withoutHeaders(headers, [name]), { [name]: `${directives}, no-store` });
}

/** Removes the headers with these names (lower case). Returns the same object if it has none of them. */
export function withoutHeaders(headers: unknown, names: readonly string[]): unknown {
  if (names.every((name) => headerOf(headers, name) === undefined)) return headers;
  const isKept = (name: unknown) => !names.includes(String(name).toLowerCase());
  if (isObject(headers) && !isIterable(headers)) {
    return Object.fromEntries(Object.entries(headers).filter(([name]) => isKept(name)));
  }
  const flat = toFlatList(headers);
  return flat.filter((_, index) => isKept(flat[index - (index % 2)]));
}

/** Names and values alternate. */
function toFlatList(headers: unknown): readonly unknown[] {
  if (Array.isArray(headers)) return headers;
  if (!isObject(headers)) return [];
  const pairs: readonly unknown[] = isIterable(headers) ? [...headers] : Object.entries(headers);
  return pairs.flat();
}

export function isIterable(value: object): value is Iterable<unknown> {
  return Symbol.iterator in value;
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

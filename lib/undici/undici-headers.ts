/** All values of a header, in any form that undici takes or gives. It sends null as an empty value, and neither undefined nor []. */
export function headerOf(headers: unknown, name: string): string | undefined {
  const flat = flattened(headers);
  const values = flat
    .filter(
      (value, at) =>
        at % 2 === 1 && value !== undefined && String(flat[at - 1]).toLowerCase() === name,
    )
    .flat();
  return values.length === 0 ? undefined : values.join(', ');
}

/** The same headers, not as an iterator, which is read only once. */
export function rereadable(headers: unknown): unknown {
  return isObject(headers) && isIterable(headers) ? flattened(headers) : headers;
}

/** Adds headers that are not there yet. */
export function withHeaders(headers: unknown, added: Readonly<Record<string, string>>): unknown {
  if (isObject(headers) && isIterable(headers)) {
    return [...flattened(headers), ...Object.entries(added).flat()];
  }
  return { ...(isObject(headers) ? headers : {}), ...added };
}

/** Keeps caches below from storing the response or serving a stored one: they key by URL (RFC 9111, section 5.2.1.5). */
export function withNoStore(headers: unknown): unknown {
  const name = 'cache-control';
  const directives = headerOf(headers, name);
  return directives === undefined
    ? withHeaders(headers, { [name]: 'no-store' })
    : withHeaders(withoutHeaders(headers, [name]), { [name]: `${directives}, no-store` });
}

/** The headers without those of `names` (lower case); the same object if it has none of them. */
export function withoutHeaders(headers: unknown, names: readonly string[]): unknown {
  if (names.every((name) => headerOf(headers, name) === undefined)) return headers;
  const stays = (name: unknown) => !names.includes(String(name).toLowerCase());
  if (isObject(headers) && !isIterable(headers)) {
    return Object.fromEntries(Object.entries(headers).filter(([name]) => stays(name)));
  }
  const flat = flattened(headers);
  return flat.filter((_, at) => stays(flat[at - (at % 2)]));
}

/** Names and values in turn. */
function flattened(headers: unknown): readonly unknown[] {
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

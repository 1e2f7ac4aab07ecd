import { types } from 'node:util';

/** Reachable from almost everything, and about the process instead of one call. */
const OUTSIDE: ReadonlySet<unknown> = new Set([globalThis, process, globalThis.console]);
/** Node links each timer to all others. */
const NEIGHBOURS = /^(?:_idleNext|_idlePrev)$/;
const MAX_OBJECTS = 200_000;

interface Visit {
  readonly value: unknown;
  readonly path: string;
}

/**
 * Returns the path from `root` to each text or buffer that contains one of `secrets`. Follows own properties, symbols and
 * hidden ones included, getters of prototypes, and entries of maps and sets, at any depth.
 */
export function foundSecrets(root: unknown, secrets: readonly string[]): string[] {
  const found: string[] = [];
  const seen = new Set<unknown>(OUTSIDE);
  const queue: Visit[] = [{ value: root, path: '' }];
  for (let at = 0; at < queue.length; at++) {
    if (at > MAX_OBJECTS) throw new Error(`More than ${MAX_OBJECTS} objects are reachable.`);
    const { value, path } = queue[at] ?? { value: undefined, path: '' };
    const text = textOf(value);
    if (text !== undefined) {
      for (const secret of secrets) if (text.includes(secret)) found.push(`${path}: ${secret}`);
    } else if (isObject(value) && !seen.has(value)) {
      seen.add(value);
      queue.push(...reachableFrom(value, path));
    }
  }
  return found;
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (ArrayBuffer.isView(value)) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1');
  }
  return types.isAnyArrayBuffer(value) ? Buffer.from(value).toString('latin1') : undefined;
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

function reachableFrom(holder: object, path: string): Visit[] {
  const visits: Visit[] = [];
  for (let owner: object | null = holder; owner !== null; owner = Object.getPrototypeOf(owner)) {
    for (const name of Reflect.ownKeys(owner)) {
      if (NEIGHBOURS.test(String(name))) continue;
      const isGetter = Reflect.getOwnPropertyDescriptor(owner, name)?.get !== undefined;
      if (owner === holder ? isGetter && isPrototype(holder) : !isGetter) continue;
      const step = `${path}.${String(name)}`;
      visits.push({ value: name, path: step }, { value: valueOf(holder, name), path: step });
    }
  }
  if (types.isMap(holder)) visits.push({ value: [...holder.entries()], path: `${path}<map>` });
  if (types.isSet(holder)) visits.push({ value: [...holder], path: `${path}<set>` });
  return visits;
}

/** A getter of Node's `http` that is read from its prototype keeps the value there, for all later messages. */
function isPrototype(holder: object): boolean {
  const owner = valueOf(holder, 'constructor');
  return typeof owner === 'function' && owner.prototype === holder;
}

/** Undefined where a getter throws. */
function valueOf(holder: object, name: string | symbol): unknown {
  try {
    const value: unknown = Reflect.get(holder, name);
    if (types.isPromise(value)) value.catch(() => undefined);
    return value;
  } catch {
    return undefined;
  }
}

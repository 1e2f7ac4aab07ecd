import { LRUCache } from 'lru-cache';

type Options<V extends {}> = Pick<LRUCache.Options<string, V, unknown>, 'dispose'>;

/**
 * A map of at most `max` entries that forgets the least recently used one. It grows as it is filled: with its option `max`,
 * lru-cache would allocate 200 KiB for 10,000 entries at once, in a millisecond.
 */
export function lruCache<V extends {}>(max: number, options?: Options<V>): LRUCache<string, V> {
  return new LRUCache<string, V>({ ...options, maxSize: max, sizeCalculation: () => 1 });
}

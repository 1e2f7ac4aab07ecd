import type { JsonObject } from '../http/http-response.js';

/** A resource in Box's JSON. */
export interface Representation {
  /** The fields of every response, such as `type` and `id`. */
  readonly base: JsonObject;
  /** The fields of a response without `?fields`. */
  readonly standard: JsonObject;
  /** The fields that only `?fields` returns. */
  readonly onRequest: JsonObject;
}

/**
 * Returns the fields that `?fields` names, plus the base fields; without `?fields`, the standard fields. Names that the
 * resource does not have are ignored.
 */
export function render(
  { base, standard, onRequest }: Representation,
  fields: readonly string[] | undefined,
): JsonObject {
  if (!fields) return { ...base, ...standard };
  const all: JsonObject = { ...standard, ...onRequest };
  const requested = fields.filter((name) => Object.hasOwn(all, name));
  return { ...base, ...Object.fromEntries(requested.map((name) => [name, all[name]])) };
}

/** A point in time as Box writes it: in seconds, with an offset. */
export function boxTime(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/\.\d{3}Z$/, '+00:00');
}

export function boxTimeOrNull(timeMs: number | undefined): string | null {
  return timeMs === undefined ? null : boxTime(timeMs);
}

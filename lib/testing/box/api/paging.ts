import type { JsonObject } from '../../http/http-response.js';
import { boxError } from '../box-responses.js';
import { ApiRefusal } from './api-route.js';

/** Box rejects a larger offset. */
const MAX_OFFSET = 10_000;

/** The part of a list that a request asks for. */
export interface Page {
  readonly limit: number;
  readonly offset: number;
  readonly usesMarker: boolean;
}

export function fieldsOf(url: URL): readonly string[] | undefined {
  return url.searchParams.get('fields')?.split(',');
}

/** Reads `limit` with `offset`, or with `marker`. As documented, a limit above the maximum counts as the maximum. */
export function pageOf(
  { searchParams }: URL,
  { defaultLimit = 100, maxLimit = 1000, marker }: PageRules = {},
): Page {
  const limit = wholeNumber(searchParams.get('limit'), defaultLimit);
  if (limit === undefined) refuse('invalid_limit', 'Limit is not a valid number');
  const usesMarker = marker === 'always' || searchParams.get('usemarker') === 'true';
  const start = searchParams.get('marker');
  if (start !== null && !usesMarker) {
    refuse('invalid_parameter', 'The marker parameter requires usemarker=true');
  }
  const offset = usesMarker
    ? offsetOfMarker(start)
    : wholeNumber(searchParams.get('offset'), 0, MAX_OFFSET);
  if (offset === undefined) {
    if (usesMarker) refuse('bad_request', 'Invalid marker');
    refuse('invalid_offset', 'Offset is not a valid number');
  }
  return { limit: Math.min(limit, maxLimit), offset, usesMarker };
}

interface PageRules {
  readonly defaultLimit?: number;
  readonly maxLimit?: number;
  /** Whether the list can only be read with markers. */
  readonly marker?: 'always';
}

/** The response that contains one page of a list. */
export function listPage<Entry>(
  entries: readonly Entry[],
  { limit, offset, usesMarker }: Page,
  describe: (entry: Entry) => JsonObject,
): JsonObject {
  const page = entries.slice(offset, offset + limit).map(describe);
  if (!usesMarker) return { total_count: entries.length, entries: page, offset, limit };
  const end = offset + page.length;
  const hasMore = page.length > 0 && end < entries.length;
  return { entries: page, limit, next_marker: hasMore ? markerOf(end) : null };
}

function markerOf(offset: number): string {
  return Buffer.from(`from:${offset}`).toString('base64url');
}

function offsetOfMarker(marker: string | null): number | undefined {
  if (marker === null || marker === '') return 0;
  const [, offset] = /^from:(\d+)$/.exec(Buffer.from(marker, 'base64url').toString()) ?? [];
  return offset === undefined ? undefined : Number(offset);
}

function wholeNumber(
  text: string | null,
  byDefault: number,
  max = Number.MAX_SAFE_INTEGER,
): number | undefined {
  if (text === null) return byDefault;
  return /^\d+$/.test(text) && Number(text) <= max ? Number(text) : undefined;
}

function refuse(code: string, message: string): never {
  throw new ApiRefusal(boxError(400, code, message));
}

import type { RetryRules } from '../core/http/retry-policy.js';

/** https://developer.box.com/guides/api-calls/permissions-and-errors/common-errors/#409-conflict */
const TEMPORARY_CONFLICTS: ReadonlySet<unknown> = new Set([
  'name_temporarily_reserved',
  'operation_blocked_temporary',
]);

/** Conflicts at Box that end by themselves. All others, such as `item_name_in_use`, are for the caller. */
export const boxRetryRules: RetryRules = {
  ambiguousStatuses: new Set([409]),
  isTemporaryRefusal: (body) => TEMPORARY_CONFLICTS.has(codeIn(body)),
};

function codeIn(body: string): unknown {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null && 'code' in parsed
      ? parsed.code
      : undefined;
  } catch {
    return undefined;
  }
}

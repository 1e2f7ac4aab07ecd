import * as v from 'valibot';
import type { ResponseStatuses } from '../errors/gateway-response.js';
import { parseOption } from './option-checks.js';

const EXPECTED = 'an object of error statuses from 400 to 599, such as { 404: 404 }';

const errorStatus = v.pipe(v.number(), v.integer(), v.minValue(400), v.maxValue(599));

const responseStatuses = v.pipe(
  v.custom<ResponseStatuses>((value) => typeof value === 'object' && value !== null, EXPECTED),
  v.check(
    (statuses) =>
      Object.entries(statuses).every(([from, to]) =>
        [Number(from), to].every((status) => v.is(errorStatus, status)),
      ),
    EXPECTED,
  ),
);

/**
 * Checks the option `statuses` of the exception filter and of the error handler.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function checkedStatuses(statuses: unknown): ResponseStatuses {
  return parseOption(responseStatuses, 'statuses', statuses ?? {});
}

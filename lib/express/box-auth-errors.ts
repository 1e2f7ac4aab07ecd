import type { ErrorRequestHandler } from 'express';
import { boxFailure } from '../box/box-api-error.js';
import { checkedStatuses } from '../core/app/response-statuses.js';
import type { BoxAuthError } from '../core/errors/box-auth.error.js';
import { FailureLog } from '../core/errors/failure-log.js';
import { gatewayResponse, retryAfterSeconds } from '../core/errors/gateway-response.js';
import { consoleLogger } from './box-auth-logger.js';

/** Options of `boxAuthErrors`. */
export interface BoxAuthErrorsOptions {
  /** Receives each error, because the client must not see its details. Default: one line a minute and cause on the console. */
  readonly log?: ((error: BoxAuthError) => void) | undefined;
  /**
   * The statuses of Box that your own clients receive, such as `{ 404: 404, 409: 409 }`: for a response of the Box API with the
   * status on the left, the response has the status on the right. Default none: 502.
   */
  readonly statuses?: Readonly<Record<number, number>> | undefined;
}

/**
 * Creates an error handler for failed calls to Box. It responds with 503 Service Unavailable if the failure is transient (with
 * `Retry-After`, if known), with 401 if the request has no acting user, with the status in `statuses` if Box rejected the call,
 * and else with 502 Bad Gateway. Without it Express responds with the status that Box sent.
 *
 * Handles every `BoxAuthError`, the SDK's `BoxApiError`, and each `AxiosError` for a response to a call that an instance with
 * `attachBoxAuth` sent to Box. Passes other errors on.
 *
 * @throws BoxAuthError `option_invalid`
 *
 * @example
 * ```ts
 * import express from 'express';
 * import { boxApiError, boxAuth, boxAuthErrors } from 'nestjs-box-auth/express';
 *
 * const app = express();
 * app.use(boxAuth());
 * app.get('/folders/:id', async (req, res) => {
 *   const response = await req.box.fetch(`/2.0/folders/${req.params.id}`);
 *   if (!response.ok) throw await boxApiError(response);
 *   res.json(await response.json());
 * });
 * app.use(boxAuthErrors({ statuses: { 404: 404 } }));
 * ```
 */
export function boxAuthErrors(options: BoxAuthErrorsOptions = {}): ErrorRequestHandler {
  const { log } = options;
  const statuses = checkedStatuses(options.statuses);
  const failures = new FailureLog(consoleLogger);
  return (thrown: unknown, _request, response, next) => {
    const failure = boxFailure(thrown);
    if (failure === undefined || response.headersSent) return next(thrown);
    const reply = (error: BoxAuthError): void => {
      const body = gatewayResponse(error, statuses);
      if (log === undefined) failures.write(error, body);
      else log(error);
      const retryAfter = retryAfterSeconds(error);
      if (retryAfter !== undefined) response.setHeader('Retry-After', retryAfter);
      response.status(body.statusCode).json(body);
    };
    if (!(failure instanceof Promise)) return reply(failure);
    const fail = (problem: unknown): void => next(problem);
    failure.then(reply).catch(fail);
  };
}

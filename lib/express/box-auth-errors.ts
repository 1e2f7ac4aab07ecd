import type { ErrorRequestHandler } from 'express';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import {
  gatewayResponse,
  formatForLog,
  retryAfterSeconds,
} from '../core/errors/gateway-response.js';

/**
 * Answers 502 Bad Gateway where a `BoxAuthError` leaves a handler, or 503 Service Unavailable (with `Retry-After`, if it is
 * known) where the error is `retryable`. Other errors go on. Without it Express takes the status that Box answered for one
 * of the app's own. `log` gets each error: what happened and what to do is not for the client. Default `console.error`.
 *
 * @example
 * ```ts
 * import express from 'express';
 * import { boxAuth, boxAuthErrors } from 'nestjs-box-auth/express';
 *
 * const app = express();
 * app.use(boxAuth());
 * app.get('/whoami', async (req, res) => {
 *   res.json(await (await req.box.fetch('/2.0/users/me')).json());
 * });
 * app.use(boxAuthErrors());
 * ```
 */
export function boxAuthErrors({
  // oxlint-disable-next-line no-console -- the one logger that every app has
  log = (error) => console.error(formatForLog(error)),
}: { readonly log?: (error: BoxAuthError) => void } = {}): ErrorRequestHandler {
  return (thrown: unknown, _request, response, next) => {
    // The global `fetch` only says that it failed: why is its cause.
    const error = thrown instanceof TypeError ? thrown.cause : thrown;
    if (!(error instanceof BoxAuthError) || response.headersSent) return next(thrown);
    log(error);
    const retryAfter = retryAfterSeconds(error);
    if (retryAfter !== undefined) response.setHeader('Retry-After', retryAfter);
    const answer = gatewayResponse(error);
    response.status(answer.statusCode).json(answer);
  };
}

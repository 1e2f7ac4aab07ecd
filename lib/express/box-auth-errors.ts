import type { ErrorRequestHandler } from 'express';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import {
  gatewayResponse,
  formatForLog,
  retryAfterSeconds,
} from '../core/errors/gateway-response.js';

/**
 * Creates an error handler for a `BoxAuthError` of a route handler. It responds with 502 Bad Gateway, or with 503 Service
 * Unavailable and `Retry-After` (if known) for a `retryable` error, and passes other errors on. Without it Express responds
 * with the status that Box sent. `log` receives each error, because the client must not see its details. Default:
 * `console.error`.
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
  // oxlint-disable-next-line no-console -- the only logger that every app has
  log = (error) => console.error(formatForLog(error)),
}: { readonly log?: (error: BoxAuthError) => void } = {}): ErrorRequestHandler {
  return (thrown: unknown, _request, response, next) => {
    // The global `fetch` wraps the error in a TypeError.
    const error = thrown instanceof TypeError ? thrown.cause : thrown;
    if (!(error instanceof BoxAuthError) || response.headersSent) return next(thrown);
    log(error);
    const retryAfter = retryAfterSeconds(error);
    if (retryAfter !== undefined) response.setHeader('Retry-After', retryAfter);
    const body = gatewayResponse(error);
    response.status(body.statusCode).json(body);
  };
}

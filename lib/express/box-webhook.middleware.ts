import type { Request, RequestHandler, Response } from 'express';
import {
  type BoxWebhooksOptions,
  createBoxWebhooks,
} from '../box/webhooks/box-webhooks.options.js';
import { bodyTooLarge, rawBodyMissing } from '../box/webhooks/webhook-errors.js';
import type { BoxWebhookEvent } from '../box/webhooks/webhook-event.js';
import type { WebhookHandling } from '../box/webhooks/webhook-handling.js';
import { webhookKeysIn } from '../box/webhooks/webhooks.environment.js';
import { checkOptions, parseOption } from '../core/app/option-checks.js';
import { wholeNumberBetween } from '../core/credentials/field-checks.js';

/** Options of `boxWebhook`. */
export interface BoxWebhookExpressOptions extends BoxWebhooksOptions {
  /** The maximum size of a body, in bytes. A larger one gets a 413. Default 1,048,576. */
  readonly maxBodyBytes?: number | undefined;
}

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- the way to extend the Request of Express
  namespace Express {
    interface Request {
      /** The verified event. Set by `boxWebhook` of `nestjs-box-auth/express`. */
      boxWebhook: BoxWebhookEvent;
    }
  }
}

const DEFAULT_MAX_BYTES = 1024 * 1024;
const MAX_BYTES = 1024 ** 3;

/**
 * Creates a middleware for a route that receives webhooks of Box. It reads the body, verifies that Box has sent it, and sets
 * `req.boxWebhook`. Put it before every body parser. Without keys in the options, it reads `BOX_WEBHOOK_PRIMARY_KEY` and
 * `BOX_WEBHOOK_SECONDARY_KEY`.
 *
 * A webhook that cannot be trusted fails with `webhook_invalid`, to which Express responds with 403. With `deliveries`, the
 * handlers do not run for an event that was handled (200), or that is being handled (503). A 2xx of the handlers means that the
 * event was handled; after any other response Box delivers it again, and the handlers run again.
 *
 * @throws BoxAuthError `option_invalid`, also without any key
 *
 * @example
 * ```ts
 * import express from 'express';
 * import { boxWebhook, MemoryWebhookDeliveries } from 'nestjs-box-auth/express';
 *
 * const app = express();
 * app.post(
 *   '/webhooks/box',
 *   boxWebhook({ deliveries: new MemoryWebhookDeliveries() }),
 *   (req, res) => {
 *     console.log(req.boxWebhook.trigger);
 *     res.sendStatus(204);
 *   },
 * );
 * app.use(express.json());
 * ```
 */
export function boxWebhook(given: BoxWebhookExpressOptions = {}): RequestHandler {
  checkOptions('boxWebhook', given);
  const { maxBodyBytes = DEFAULT_MAX_BYTES, ...options } = given;
  const limit = parseOption(wholeNumberBetween(1, MAX_BYTES), 'maxBodyBytes', maxBodyBytes);
  const { primaryKey, secondaryKey } = options;
  const areKeysGiven = primaryKey !== undefined || secondaryKey !== undefined;
  const { verifier, admissions } = createBoxWebhooks(
    areKeysGiven ? options : { ...options, ...webhookKeysIn(process.env) },
    ['maxBodyBytes'],
  );

  const receive = async (request: Request, response: Response): Promise<boolean> => {
    const body = await bodyOf(request, limit);
    const event = await verifier.verify({ body, headers: request.headers });
    const admission = await admissions.admit(event);
    if (typeof admission === 'string') {
      response.sendStatus(admission === 'handled' ? 200 : 503);
      return false;
    }
    request.boxWebhook = event;
    reportEnd(response, admission);
    return true;
  };
  return (request, response, next) => {
    const proceed = (isAdmitted: boolean): void => {
      if (isAdmitted) next();
    };
    const fail = (error: unknown): void => next(error);
    receive(request, response).then(proceed, fail);
  };
}

/**
 * The bytes of the body. A parser that ran before may have kept them.
 *
 * @throws BoxAuthError `webhook_raw_body_missing`
 */
async function bodyOf(request: Request, limit: number): Promise<unknown> {
  const kept = [Reflect.get(request, 'rawBody'), request.body].find((body) =>
    ArrayBuffer.isView(body),
  );
  if (kept !== undefined) return kept;
  if (request.readableDidRead) {
    throw rawBodyMissing(
      'A body parser has read the body of the webhook, so its bytes are not available.',
      'Put boxWebhook before express.json() and other body parsers: `app.post(path, boxWebhook(), handler)` above `app.use(express.json())`.',
    );
  }
  return await readBody(request, limit);
}

async function readBody(request: Request, limit: number): Promise<Buffer> {
  const tooLarge = () =>
    bodyTooLarge(`${limit} bytes`, 'Set `maxBodyBytes` of boxWebhook to a higher number of bytes.');
  if (Number(request.headers['content-length']) > limit) throw tooLarge();
  // The connection stays open, for the response.
  const received: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of received) {
    length += chunk.byteLength;
    if (length > limit) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * Reports the result of the handlers when they end the response. Its events would not do: a client that waited too long has
 * closed the connection, but the handlers still run.
 */
function reportEnd(response: Response, handling: WebhookHandling): void {
  let isReported = false;
  const report = (): void => {
    if (isReported) return;
    isReported = true;
    const { statusCode } = response;
    const isSuccess = statusCode >= 200 && statusCode < 300;
    void (isSuccess ? handling.succeeded() : handling.failed());
  };
  // oxlint-disable-next-line typescript/unbound-method -- the proxy passes `this` on
  response.end = new Proxy(response.end, {
    apply(end, receiver, args): unknown {
      report();
      return Reflect.apply(end, receiver, args);
    },
  });
}

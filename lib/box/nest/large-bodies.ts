import { Logger } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { formatForLog } from '../../core/errors/gateway-response.js';
import { RepeatLimit } from '../../core/runtime/repeat-limit.js';
import { bodyTooLarge } from '../webhooks/webhook-errors.js';
import { webhookHeaders } from '../webhooks/webhook-signature.js';

const CONTENT_TOO_LARGE = 413;
const HINT = "Raise the limit: `app.useBodyParser('json', { limit: '1mb' })` on Express, ";
const FASTIFY_HINT = '`new FastifyAdapter({ bodyLimit: 1_048_576 })` on Fastify.';

interface ExpressApp {
  use(handler: (error: unknown, request: object, response: object, next: Next) => void): void;
}

type Next = (error: unknown) => void;

interface FastifyApp {
  addHook(
    name: 'onError',
    hook: (request: object, reply: object, error: unknown, done: () => void) => void,
  ): void;
}

/** The servers that already log. Each of several imports of the module asks for it. */
const logging = new WeakSet<object>();

/**
 * Logs how to raise the limit of the body parser, when it refuses a webhook. The parser runs before guards, and its error says
 * only that the body is too large. Call it before the routes exist.
 */
export function logLargeBodies(adapter: AbstractHttpAdapter | undefined): void {
  const server: unknown = adapter?.getInstance();
  if (typeof server !== 'function' && typeof server !== 'object') return;
  if (server === null || logging.has(server)) return;
  logging.add(server);
  const limit = new RepeatLimit();
  const logger = new Logger('BoxWebhooksModule');
  const note = (error: unknown, request: object): void => {
    if (!isTooLarge(error) || !isWebhook(request)) return;
    if (limit.admit('too large', Date.now()) === undefined) return;
    logger.error(formatForLog(bodyTooLarge('the limit of the body parser', HINT + FASTIFY_HINT)));
  };
  if (isFastify(server)) {
    server.addHook('onError', (request, _reply, error, done) => {
      note(error, request);
      done();
    });
  } else if (isExpress(server)) {
    // Express recognizes handlers of errors by their four parameters.
    server.use((error, request, _response, next) => {
      note(error, request);
      next(error);
    });
  }
}

function isTooLarge(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    Reflect.get(error, 'statusCode') === CONTENT_TOO_LARGE
  );
}

function isWebhook(request: object): boolean {
  const headers: unknown = Reflect.get(request, 'headers');
  return typeof headers === 'object' && headers !== null && webhookHeaders.timestamp in headers;
}

function isFastify(server: object): server is FastifyApp {
  return typeof Reflect.get(server, 'addHook') === 'function';
}

function isExpress(server: object): server is ExpressApp {
  return typeof Reflect.get(server, 'use') === 'function';
}

import { type ExecutionContext, HttpException } from '@nestjs/common';
import { BoxAuthError } from '../../core/errors/box-auth.error.js';
import type { FailureLog } from '../../core/errors/failure-log.js';
import { gatewayResponse } from '../../core/errors/gateway-response.js';
import type { BoxWebhookEvent } from '../webhooks/webhook-event.js';

/** A verified webhook of a request. */
export interface ReceivedWebhook {
  readonly event: BoxWebhookEvent;
  /** Whether an interceptor has admitted the request to the handler, or has refused it. */
  isDecided: boolean;
}

/** The verified webhooks of requests, by the name of the module. */
const received = new WeakMap<object, Map<string | undefined, ReceivedWebhook>>();

export function receivedWebhook(
  context: ExecutionContext,
  name: string | undefined,
): ReceivedWebhook | undefined {
  return received.get(context.switchToHttp().getRequest<object>())?.get(name);
}

export function keepWebhook(
  context: ExecutionContext,
  name: string | undefined,
  event: BoxWebhookEvent,
): void {
  const request = context.switchToHttp().getRequest<object>();
  const webhooks = received.get(request) ?? new Map<string | undefined, ReceivedWebhook>();
  received.set(request, webhooks.set(name, { event, isDecided: false }));
}

/** The error for Nest, so that Box gets its status in every app. The log has the reason, once a minute. */
export function refusal(error: unknown, log: FailureLog): unknown {
  if (!(error instanceof BoxAuthError)) return error;
  const response = gatewayResponse(error);
  log.write(error, response);
  return new HttpException(response, response.statusCode, { cause: error });
}

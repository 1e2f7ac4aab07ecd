import {
  createParamDecorator,
  type ExecutionContext,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { boxWebhookGuard } from './box-webhook.guard.js';
import { boxWebhookInterceptor } from './box-webhook.interceptor.js';
import { receivedWebhook } from './received-webhooks.js';

/** Injects the event that the guard has verified. */
const VerifiedEvent = createParamDecorator(
  (name: string | undefined, context: ExecutionContext) => receivedWebhook(context, name)?.event,
);

/**
 * Injects the verified event of a webhook, a `BoxWebhookEvent`, into a parameter of a handler. The handler gets a guard, which
 * responds with 403 to requests that Box has not signed. With the option `deliveries` of `BoxWebhooksModule`, the handler does not
 * run for an event that was handled (2xx), or that is being handled (503).
 *
 * Pass the `name` of the module, if it has one. Requires an app with `rawBody: true`; without it, requests get a 500 and the log
 * says why.
 *
 * @example
 * ```ts
 * import { Controller, HttpCode, Post } from '@nestjs/common';
 * import { BoxWebhook, type BoxWebhookEvent } from 'nestjs-box-auth/webhooks';
 *
 * @Controller('webhooks')
 * export class WebhooksController {
 *   @Post('box')
 *   @HttpCode(204)
 *   async receive(@BoxWebhook() event: BoxWebhookEvent): Promise<void> {
 *     if (event.trigger === 'FILE.UPLOADED') console.log(event.source.name);
 *   }
 * }
 * ```
 */
export function BoxWebhook(name?: string): ParameterDecorator {
  return (target, method, index) => {
    VerifiedEvent(name)(target, method, index);
    if (method === undefined) return;
    const descriptor = Object.getOwnPropertyDescriptor(target, method);
    if (descriptor === undefined) return;
    UseGuards(boxWebhookGuard(name))(target, method, descriptor);
    UseInterceptors(boxWebhookInterceptor(name))(target, method, descriptor);
  };
}

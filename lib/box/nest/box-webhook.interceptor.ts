import {
  type CallHandler,
  type ExecutionContext,
  HttpStatus,
  Inject,
  Injectable,
  Logger,
  type NestInterceptor,
  ServiceUnavailableException,
  type Type,
} from '@nestjs/common';
import { RESPONSE_PASSTHROUGH_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
// oxlint-disable-next-line typescript/consistent-type-imports -- Nest reads the parameter's type at run time
import { HttpAdapterHost } from '@nestjs/core';
import { defer, lastValueFrom, type Observable } from 'rxjs';
import { isRecord } from '../../core/credentials/field-checks.js';
import { FailureLog } from '../../core/errors/failure-log.js';
import type { BoxWebhooks } from '../webhooks/box-webhooks.options.js';
import type { BoxWebhookEvent } from '../webhooks/webhook-event.js';
import { webhooksToken } from './box-webhooks.module-definition.js';
import { receivedWebhook, refusal } from './received-webhooks.js';

const interceptors = new Map<string | undefined, Type<NestInterceptor>>();

/** The interceptor of `@BoxWebhook(name)`: it runs the handler of each event once. */
export function boxWebhookInterceptor(name: string | undefined): Type<NestInterceptor> {
  const known = interceptors.get(name);
  if (known !== undefined) return known;

  @Injectable()
  class BoxWebhookInterceptor implements NestInterceptor {
    readonly #log = new FailureLog(new Logger('BoxWebhooksModule'));

    constructor(
      @Inject(webhooksToken(name)) private readonly webhooks: BoxWebhooks,
      private readonly adapterHost: HttpAdapterHost,
    ) {}

    intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
      const webhook = receivedWebhook(context, name);
      // Several parameters with the decorator run the interceptor once each.
      if (webhook === undefined || webhook.isDecided) return next.handle();
      webhook.isDecided = true;
      return defer(() => this.#handle(webhook.event, context, next));
    }

    /** A promise, because a handler also goes on after an outer interceptor has given up. */
    async #handle(
      event: BoxWebhookEvent,
      context: ExecutionContext,
      next: CallHandler,
    ): Promise<unknown> {
      const admission = await this.webhooks.admissions.admit(event).catch((error: unknown) => {
        throw refusal(error, this.#log);
      });
      if (admission === 'leased') {
        throw new ServiceUnavailableException('This event is being handled.');
      }
      const response = context.switchToHttp().getResponse<{ readonly statusCode: number }>();
      if (admission === 'handled') {
        if (sendsResponse(context)) {
          this.adapterHost.httpAdapter.reply(response, '', HttpStatus.OK);
        }
        return undefined;
      }
      try {
        const result: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
        await (isSuccess(response) ? admission.succeeded() : admission.failed());
        return result;
      } catch (error) {
        await admission.failed();
        throw error;
      }
    }
  }

  interceptors.set(name, BoxWebhookInterceptor);
  return BoxWebhookInterceptor;
}

/** Whether Box takes the status of the response for success. */
function isSuccess({ statusCode }: { readonly statusCode: number }): boolean {
  return statusCode >= 200 && statusCode < 300;
}

/** The kind of a parameter with `@Res()`, in the keys of Nest's metadata. */
const RESPONSE_PARAMETER = /^1:/;

/** Whether the handler sends the response itself, so that Nest sends none: it has `@Res()` without `passthrough`. */
function sendsResponse(context: ExecutionContext): boolean {
  const read = (key: string): unknown =>
    Reflect.getMetadata(key, context.getClass(), context.getHandler().name);
  if (read(RESPONSE_PASSTHROUGH_METADATA) === true) return false;
  const parameters = read(ROUTE_ARGS_METADATA);
  return (
    isRecord(parameters) && Object.keys(parameters).some((key) => RESPONSE_PARAMETER.test(key))
  );
}

import {
  type CanActivate,
  type ExecutionContext,
  Inject,
  Injectable,
  Logger,
  type Type,
} from '@nestjs/common';
import { optionError } from '../../core/app/option-checks.js';
import { FailureLog } from '../../core/errors/failure-log.js';
import type { BoxWebhooks } from '../webhooks/box-webhooks.options.js';
import { webhookInvalid } from '../webhooks/webhook-errors.js';
import { webhooksToken } from './box-webhooks.module-definition.js';
import { keepWebhook, receivedWebhook, refusal } from './received-webhooks.js';

const guards = new Map<string | undefined, Type<CanActivate>>();

/** The guard of `@BoxWebhook(name)`. Nest creates it in the module of the controller. */
export function boxWebhookGuard(name: string | undefined): Type<CanActivate> {
  const known = guards.get(name);
  if (known !== undefined) return known;

  @Injectable()
  class BoxWebhookGuard implements CanActivate {
    readonly #log = new FailureLog(new Logger('BoxWebhooksModule'));

    constructor(@Inject(webhooksToken(name)) private readonly webhooks: BoxWebhooks) {}

    async canActivate(context: ExecutionContext): Promise<boolean> {
      if (context.getType<string>() !== 'http') throw notHttp();
      if (receivedWebhook(context, name) !== undefined) return true;
      const request = context.switchToHttp().getRequest<NestRequest>();
      const { headers } = request;
      try {
        const event = await this.webhooks.verifier.verify({ body: rawBodyOf(request), headers });
        keepWebhook(context, name, event);
        return true;
      } catch (error) {
        throw refusal(error, this.#log);
      }
    }
  }

  guards.set(name, BoxWebhookGuard);
  return BoxWebhookGuard;
}

/** A request of Express or Fastify. */
interface NestRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body?: unknown;
  readonly rawBody?: unknown;
}

/**
 * The bytes of the body, or undefined if the app does not keep them.
 *
 * @throws BoxAuthError `webhook_invalid` if the body is of a type that the parsers of Nest ignore
 */
function rawBodyOf({ headers, body, rawBody }: NestRequest): unknown {
  if (rawBody !== undefined) return rawBody;
  if (ArrayBuffer.isView(body)) return body;
  const isEmpty =
    headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
  // Parsers do not see an empty body.
  if (isEmpty) return new Uint8Array();
  const type = headers['content-type'];
  if (typeof type === 'string' && /^application\/json\s*(?:;|$)/i.test(type)) return undefined;
  throw webhookInvalid(
    'The body of the webhook is not JSON: its content type is not application/json.',
    'Only Box should send requests to this address. If Box sent it, check whether a proxy changes the header content-type.',
  );
}

function notHttp(): Error {
  return optionError(
    '@BoxWebhook() is on a handler that does not receive HTTP requests.',
    'Move it to a method of a controller with @Post().',
  );
}

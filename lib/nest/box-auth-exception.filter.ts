import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  HttpException,
  Inject,
  Logger,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { throwError } from 'rxjs';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import {
  type GatewayResponse,
  gatewayResponse,
  formatForLog,
  retryAfterSeconds,
} from '../core/errors/gateway-response.js';

/**
 * Responds with 502 Bad Gateway when a handler throws a `BoxAuthError`, or with 503 Service Unavailable if the error is
 * `retryable` (with `Retry-After`, if known). Logs the cause and the fix; the client receives neither.
 *
 * In GraphQL, microservice and WebSocket handlers, the error has the form of the transport.
 *
 * @example
 * ```ts
 * import { Module } from '@nestjs/common';
 * import { APP_FILTER } from '@nestjs/core';
 * import { BoxAuthExceptionFilter, BoxAuthModule } from 'nestjs-box-auth';
 *
 * @Module({
 *   imports: [BoxAuthModule.forRoot()],
 *   providers: [{ provide: APP_FILTER, useClass: BoxAuthExceptionFilter }],
 * })
 * export class AppModule {}
 * ```
 */
@Catch(BoxAuthError)
export class BoxAuthExceptionFilter implements ExceptionFilter<BoxAuthError> {
  readonly #logger = new Logger('BoxAuthExceptionFilter');

  constructor(@Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost) {}

  catch(error: BoxAuthError, host: ArgumentsHost): unknown {
    this.#logger.error(formatForLog(error));
    const response = gatewayResponse(error);
    switch (host.getType<string>()) {
      case 'http':
        return this.#reply(host, response, retryAfterSeconds(error));
      case 'rpc':
        return throwError(() => transportError(response));
      case 'ws':
        return host.switchToWs().getClient<Client>().emit('exception', transportError(response));
      default:
        return new HttpException(response, response.statusCode);
    }
  }

  #reply(host: ArgumentsHost, body: GatewayResponse, retryAfter: string | undefined): void {
    const { httpAdapter } = this.adapterHost;
    const response = host.switchToHttp().getResponse<object>();
    if (httpAdapter.isHeadersSent(response)) return void httpAdapter.end(response);
    if (retryAfter !== undefined) httpAdapter.setHeader(response, 'Retry-After', retryAfter);
    httpAdapter.reply(response, body, body.statusCode);
  }
}

interface Client {
  emit(event: string, message: object): unknown;
}

/** The form in which Nest itself reports errors on these transports. */
function transportError({ message }: GatewayResponse): object {
  return { status: 'error', message };
}

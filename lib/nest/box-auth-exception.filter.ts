import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  HttpException,
  Inject,
  Logger,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type Observable, throwError } from 'rxjs';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import {
  type GatewayResponse,
  gatewayResponse,
  formatForLog,
  retryAfterSeconds,
} from '../core/errors/gateway-response.js';

/**
 * Answers 502 Bad Gateway where a `BoxAuthError` leaves a handler, or 503 Service Unavailable (with `Retry-After`, if it is
 * known) where the error is `retryable`. What happened and what to do stands in the log; the client is told neither.
 *
 * GraphQL, microservice and WebSocket handlers have their errors in the form of their transport.
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
    const answer = gatewayResponse(error);
    switch (host.getType<string>()) {
      case 'http':
        return this.#reply(host, answer, retryAfterSeconds(error));
      case 'rpc':
        return failed(answer);
      case 'ws':
        return host.switchToWs().getClient<Client>().emit('exception', told(answer));
      default:
        return new HttpException(answer, answer.statusCode);
    }
  }

  #reply(host: ArgumentsHost, answer: GatewayResponse, retryAfter: string | undefined): void {
    const { httpAdapter } = this.adapterHost;
    const response = host.switchToHttp().getResponse<object>();
    if (httpAdapter.isHeadersSent(response)) return void httpAdapter.end(response);
    if (retryAfter !== undefined) httpAdapter.setHeader(response, 'Retry-After', retryAfter);
    httpAdapter.reply(response, answer, answer.statusCode);
  }
}

interface Client {
  emit(event: string, message: object): unknown;
}

/** As Nest itself tells errors of these transports. */
function told({ message }: GatewayResponse): object {
  return { status: 'error', message };
}

function failed(answer: GatewayResponse): Observable<never> {
  return throwError(() => told(answer));
}

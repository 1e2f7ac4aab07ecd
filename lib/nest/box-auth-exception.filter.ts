import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  HttpException,
  Inject,
  Logger,
  Optional,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { from, mergeMap, throwError } from 'rxjs';
import { boxFailure, isBoxFailure } from '../box/box-api-error.js';
import { checkedStatuses } from '../core/app/response-statuses.js';
import type { BoxAuthError } from '../core/errors/box-auth.error.js';
import { FailureLog } from '../core/errors/failure-log.js';
import {
  type GatewayResponse,
  gatewayResponse,
  type ResponseStatuses,
  retryAfterSeconds,
} from '../core/errors/gateway-response.js';

/** Options of `BoxAuthExceptionFilter`. */
export interface BoxAuthExceptionFilterOptions {
  /**
   * The statuses of Box that your own clients receive, such as `{ 404: 404, 409: 409 }`: for a response of the Box API with the
   * status on the left, the response has the status on the right. Default none: 502.
   */
  readonly statuses?: Readonly<Record<number, number>> | undefined;
}

/** No provider has this token, so that Nest creates the filter without options. */
const NO_OPTIONS = Symbol('BoxAuthExceptionFilterOptions');

/** Nest finds the filter of an exception with `instanceof`. */
class BoxFailure {
  static [Symbol.hasInstance](thrown: unknown): boolean {
    return isBoxFailure(thrown);
  }
}

/**
 * Responds when a call to Box fails in a handler: with 503 Service Unavailable if the failure is transient (with `Retry-After`,
 * if known), with 401 if the request has no acting user, with the status in `statuses` if Box rejected the call, and else with
 * 502 Bad Gateway. Logs the cause and the fix once a minute; the client receives neither.
 *
 * Handles every `BoxAuthError`, the SDK's `BoxApiError`, and each `AxiosError` for a response to a call that `BoxHttpModule` or
 * `BoxAxiosInterceptor` sent to Box. All other errors go to the other filters.
 *
 * In GraphQL, microservice and WebSocket handlers, the error has the form of the transport.
 *
 * @throws BoxAuthError `option_invalid` in the constructor
 *
 * @example
 * ```ts
 * import { Module } from '@nestjs/common';
 * import { APP_FILTER, HttpAdapterHost } from '@nestjs/core';
 * import { BoxAuthExceptionFilter, BoxAuthModule } from 'nestjs-box-auth';
 *
 * const filter = {
 *   provide: APP_FILTER,
 *   inject: [HttpAdapterHost],
 *   useFactory: (host: HttpAdapterHost) =>
 *     new BoxAuthExceptionFilter(host, { statuses: { 404: 404 } }),
 * };
 *
 * @Module({ imports: [BoxAuthModule.forRoot()], providers: [filter] })
 * export class AppModule {}
 * ```
 */
@Catch(BoxFailure)
export class BoxAuthExceptionFilter implements ExceptionFilter<unknown> {
  readonly #log = new FailureLog(new Logger('BoxAuthExceptionFilter'));
  readonly #statuses: ResponseStatuses;

  constructor(
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Optional() @Inject(NO_OPTIONS) options?: BoxAuthExceptionFilterOptions,
  ) {
    this.#statuses = checkedStatuses(options?.statuses);
  }

  catch(thrown: unknown, host: ArgumentsHost): unknown {
    const failure = boxFailure(thrown);
    // A subclass may catch more.
    if (failure === undefined) throw thrown;
    switch (host.getType<string>()) {
      case 'http':
        return whenKnown(failure, (error) => this.#reply(error, host));
      case 'rpc':
        return from(Promise.resolve(failure)).pipe(
          mergeMap((error) => throwError(() => transportError(this.#responseTo(error)))),
        );
      case 'ws':
        return whenKnown(failure, (error) => {
          const client = host.switchToWs().getClient<Client>();
          return client.emit('exception', transportError(this.#responseTo(error)));
        });
      default:
        return whenKnown(failure, (error) => {
          const response = this.#responseTo(error);
          return new HttpException(response, response.statusCode);
        });
    }
  }

  #responseTo(error: BoxAuthError): GatewayResponse {
    const response = gatewayResponse(error, this.#statuses);
    this.#log.write(error, response);
    return response;
  }

  #reply(error: BoxAuthError, host: ArgumentsHost): void {
    const body = this.#responseTo(error);
    const retryAfter = retryAfterSeconds(error);
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

/** Reads no promise where there is none: Fastify expects the response before the handler ends. */
function whenKnown<T>(
  failure: BoxAuthError | Promise<BoxAuthError>,
  handle: (error: BoxAuthError) => T,
): T | Promise<T> {
  return failure instanceof Promise ? failure.then(handle) : handle(failure);
}

/** The form in which Nest itself reports errors on these transports. */
function transportError({ message }: GatewayResponse): object {
  return { status: 'error', message };
}

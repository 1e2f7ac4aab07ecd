import {
  type ArgumentsHost,
  BadGatewayException,
  Catch,
  type ExceptionFilter,
  ForbiddenException,
  type HttpException,
  Logger,
  ServiceUnavailableException,
  UnauthorizedException,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { BoxAuthError } from 'nestjs-box-auth';
import { exceptionFor } from './box-response.js';

/** Logs the reason and the fix of a `BoxAuthError`, and tells the visitor only whether to try again, or to connect an account. */
@Catch(BoxAuthError)
export class BoxAuthErrorFilter implements ExceptionFilter<BoxAuthError> {
  readonly #logger = new Logger(BoxAuthErrorFilter.name);

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(error: BoxAuthError, host: ArgumentsHost): void {
    const { httpAdapter } = this.adapterHost;
    const response: unknown = host.switchToHttp().getResponse();
    const exception = toHttpException(error);
    // The visitor can fix it, so the operator need not know.
    if (!(exception instanceof UnauthorizedException)) {
      this.#logger.error(`${error.code}: ${error.message} Fix: ${error.hint}`);
    }
    if (error.retryAfterMs !== undefined) {
      httpAdapter.setHeader(response, 'retry-after', String(Math.ceil(error.retryAfterMs / 1000)));
    }
    httpAdapter.reply(response, exception.getResponse(), exception.getStatus());
  }
}

function toHttpException({ code, retryable, enterprise }: BoxAuthError): HttpException {
  if (code === 'connection_missing' || code === 'reauthorization_required') {
    return new UnauthorizedException('Please connect your Box account.');
  }
  if (code === 'body_not_replayable') {
    return new ServiceUnavailableException(
      'The upload was interrupted. Please send the file again.',
    );
  }
  if (code === 'resource_refused') return exceptionFor(404);
  if (code === 'app_not_authorized' && enterprise !== undefined) {
    return new ForbiddenException('The Box admin of your company has not authorized this app.');
  }
  return retryable
    ? new ServiceUnavailableException('Box is not available at the moment. Please try again.')
    : new BadGatewayException('This app has no access to Box. See its log for the reason.');
}

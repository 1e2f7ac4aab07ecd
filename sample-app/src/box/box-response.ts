import {
  BadGatewayException,
  ConflictException,
  ForbiddenException,
  type HttpException,
  NotFoundException,
} from '@nestjs/common';
import { BoxAuthError } from 'nestjs-box-auth';

/** Returns a successful response of Box; throws an exception for any other. */
export async function responseOf(call: Promise<Response>): Promise<Response> {
  const response = await call.catch((error: unknown) => {
    throw networkException(error);
  });
  if (response.ok) return response;
  // An unread body would block the reuse of the connection.
  await response.body?.cancel();
  throw exceptionFor(response.status);
}

/** Returns the JSON of a successful response. */
export async function jsonOf(call: Promise<Response>): Promise<unknown> {
  const response = await responseOf(call);
  try {
    return await response.json();
  } catch {
    throw invalidJsonException();
  }
}

/** The portal's message for an error response of Box. Box's own text is for developers, not for visitors. */
export function exceptionFor(status: number): HttpException {
  switch (status) {
    case 403:
      return new ForbiddenException('Box does not allow you to do that.');
    case 404:
      return new NotFoundException('The file or folder does not exist, or you may not see it.');
    case 409:
      return new ConflictException('An item with that name already exists.');
    default:
      return new BadGatewayException(`Box responded with status ${status}.`);
  }
}

/** The portal's message when Box cannot be reached. For token errors see `BoxAuthErrorFilter`. */
export function networkException(error: unknown): unknown {
  return error instanceof BoxAuthError
    ? error
    : new BadGatewayException('Box could not be reached.', { cause: error });
}

export function invalidJsonException(): HttpException {
  return new BadGatewayException('The response of Box is not JSON.');
}

import {
  BadGatewayException,
  ConflictException,
  ForbiddenException,
  type HttpException,
  NotFoundException,
} from '@nestjs/common';
import { BoxAuthError } from 'nestjs-box-auth';

/** The answer of Box, if it is a good one; else it is turned into an error of ours. */
export async function answerOf(call: Promise<Response>): Promise<Response> {
  const response = await call.catch((error: unknown) => {
    throw unanswered(error);
  });
  if (response.ok) return response;
  // An unread body would keep the connection from being used again.
  await response.body?.cancel();
  throw refused(response.status);
}

/** The JSON of a good answer. */
export async function jsonOf(call: Promise<Response>): Promise<unknown> {
  const response = await answerOf(call);
  try {
    return await response.json();
  } catch {
    throw notJson();
  }
}

/** What the portal says when Box says no. Box's own text is for the app's author, not for its visitors. */
export function refused(status: number): HttpException {
  switch (status) {
    case 403:
      return new ForbiddenException('Box does not allow you to do that.');
    case 404:
      return new NotFoundException('Box has no such file or folder, or none that you may see.');
    case 409:
      return new ConflictException('There is an item of that name already.');
    default:
      return new BadGatewayException(`Box answered with status ${status}.`);
  }
}

/** What the portal says when Box says nothing. No token to be had is a story of its own: see `BoxAuthErrorFilter`. */
export function unanswered(error: unknown): unknown {
  return error instanceof BoxAuthError
    ? error
    : new BadGatewayException('Box could not be reached.', { cause: error });
}

export function notJson(): HttpException {
  return new BadGatewayException('Box answered with something that is not JSON.');
}

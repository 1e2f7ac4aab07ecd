import { type IncomingMessage } from 'node:http';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type SignedInUser } from './demo-users.js';

/** The common part of Express and Fastify requests, and the property that `SignInGuard` adds. */
export interface PortalRequest extends Pick<IncomingMessage, 'headers'> {
  /** The row of the signed-in user; only the server sets it. */
  user?: SignedInUser;
}

/** The user that `SignInGuard` has found. */
export function signedInUser(context: ExecutionContext): SignedInUser | undefined {
  return context.switchToHttp().getRequest<PortalRequest>().user;
}

/** Injects the user of a route that requires sign-in. */
export const CurrentUser = createParamDecorator((_data: unknown, context: ExecutionContext) =>
  signedInUser(context),
);

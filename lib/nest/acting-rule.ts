import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { ActingVia } from '../core/acting/acting-user.context.js';

type UserId = string | null | undefined;

/**
 * Returns the Box user id of the user who sent a request. Derive it from the authenticated session, never from data of the
 * client.
 */
export type ActingUserResolver = (context: ExecutionContext) => UserId | Promise<UserId>;

/** Whether the Box calls of a handler or controller act for a user or for the service account. */
export type ActingRule =
  | { readonly as: 'service-account' }
  | {
      readonly as: 'user';
      readonly user: string | ActingUserResolver;
      readonly via: ActingVia;
      readonly optional: boolean;
    };

// A fixed key: one process may load the ES module and the CommonJS build.
export const SetActingRule = Reflector.createDecorator<ActingRule>({
  key: 'nestjs-box-auth.acting-as',
});

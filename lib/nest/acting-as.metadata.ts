import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { ActingVia } from '../core/acting/acting-user.context.js';

type UserId = string | null | undefined;

/** Finds the Box user id of the person that a handler serves. What a client sends is not to be believed. */
export type ActingUserResolver = (context: ExecutionContext) => UserId | Promise<UserId>;

/** Whom a handler, or a whole controller, acts for. */
export type ActingAsRule =
  | { readonly as: 'service-account' }
  | {
      readonly as: 'user';
      readonly user: string | ActingUserResolver;
      readonly via: ActingVia;
      readonly optional: boolean;
    };

/** Its key is a string of our own: one process may load the ES module and the CommonJS build. */
export const ActingAs = Reflector.createDecorator<ActingAsRule>({
  key: 'nestjs-box-auth.acting-as',
});

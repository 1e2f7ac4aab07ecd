import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { BoxUsers } from '../box/users/box-users.js';
import type { ActingVia } from '../core/acting/acting.context.js';

type Id = string | null | undefined;

/**
 * Returns the Box user id of the user who sent a request. Derive it from the authenticated session, never from data of the
 * client. `users` finds the Box ids of your users: it belongs to the Box app without a name.
 */
export type ActingUserResolver = (context: ExecutionContext, users: BoxUsers) => Id | Promise<Id>;

/**
 * Returns the enterprise id of the tenant that a request is for. Derive it from your own record of the signed-in user, never
 * from data of the client.
 */
export type EnterpriseResolver = (context: ExecutionContext) => Id | Promise<Id>;

/** Whether the Box calls of a handler or controller act for a user or for the service account. */
export type ActingRule =
  | { readonly as: 'service-account' }
  | {
      readonly as: 'user';
      readonly user: string | ActingUserResolver;
      readonly via: ActingVia;
      readonly optional: boolean;
    };

/**
 * Returns the app's own id of the person who sent a request: the owner of a connection. Derive it from the authenticated session,
 * never from data of the client.
 */
export type ConnectedUserResolver = (context: ExecutionContext) => Id | Promise<Id>;

/** The connection whose token the Box calls of a handler or controller carry. */
export interface ConnectedRule {
  readonly owner: ConnectedUserResolver;
  readonly label: string | undefined;
  readonly optional: boolean;
  /** The name of the `BoxConnectionsModule`. */
  readonly connections: string | undefined;
}

/** The enterprise that the Box calls of a handler or controller are for. */
export interface EnterpriseRule {
  readonly enterprise: string | EnterpriseResolver;
  readonly optional: boolean;
}

// Fixed keys: one process may load the ES module and the CommonJS build.
export const SetActingRule = Reflector.createDecorator<ActingRule>({
  key: 'nestjs-box-auth.acting-as',
});
export const SetEnterpriseRule = Reflector.createDecorator<EnterpriseRule>({
  key: 'nestjs-box-auth.for-enterprise',
});
export const SetConnectedRule = Reflector.createDecorator<ConnectedRule>({
  key: 'nestjs-box-auth.as-connected-user',
});

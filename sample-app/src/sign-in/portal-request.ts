import { type IncomingMessage } from 'node:http';

/** The common part of Express and Fastify requests, and the property that `SignInGuard` adds. */
export interface PortalRequest extends Pick<IncomingMessage, 'headers'> {
  /** The Box user id of the signed-in user; only the server sets it. */
  boxUserId?: string;
}

import { type IncomingMessage } from 'node:http';
import { type DemoUser } from './demo-users.js';

/** The common part of Express and Fastify requests, and the property that `SignInGuard` adds. */
export interface PortalRequest extends Pick<IncomingMessage, 'headers'> {
  /** The row of the signed-in user; only the server sets it. */
  user?: DemoUser;
}

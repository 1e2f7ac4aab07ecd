import { type IncomingMessage } from 'node:http';

/** What the requests of Express and Fastify have in common, and what `SignInGuard` adds. */
export interface PortalRequest extends Pick<IncomingMessage, 'headers'> {
  /** The Box user that the signed-in person is; set by the server alone. */
  boxUserId?: string;
}

import type { HeaderValues } from '../../http/http-exchange.js';
import type { HttpAnswer } from '../../http/http-response.js';
import type { ItemReference } from '../../http/token-ledger.js';
import type { Caller } from '../bearer-guard.js';
import type { ItemJson } from '../drive/item-json.js';
import type { EmulatedDrive } from '../drive/emulated-drive.js';
import type { EmulatedApp } from '../emulated-app.js';
import type { UploadSessions } from '../uploads/upload-sessions.js';
import type { WebhookEvents } from '../webhooks/webhook-events.js';
import type { WebhookRegister } from '../webhooks/webhook-register.js';

/** A request whose token has been checked. */
export interface ApiCall {
  readonly method: string;
  readonly url: URL;
  /** The origin that the client sent the request to. */
  readonly origin: string;
  readonly headers: HeaderValues;
  readonly body: Buffer;
  readonly caller: Caller;
}

/** A request that matches a route. */
export interface RouteCall extends ApiCall {
  /** The parameters in the path, in their order; `''` for one that the path does not have. */
  readonly id: string;
  readonly versionId: string;
}

export interface ApiRoute {
  readonly method: 'DELETE' | 'GET' | 'OPTIONS' | 'POST' | 'PUT';
  /** Names its parameters as `:name`. */
  readonly path: `/${string}`;
  /** A downscoped token needs one of these scopes. */
  readonly scopes: readonly string[];
  /** The type of item that the first parameter is the id of. */
  readonly item?: ItemReference['type'];
  readonly respond: (call: RouteCall) => HttpAnswer | Promise<HttpAnswer>;
}

/** The parts of the emulator that routes use. */
export interface ApiContext {
  readonly app: EmulatedApp;
  readonly drive: EmulatedDrive;
  readonly json: ItemJson;
  readonly sessions: UploadSessions;
  readonly webhooks: WebhookRegister;
  readonly webhookEvents: WebhookEvents;
  readonly downloadUrl: string;
}

/** Ends a request with an error response. */
export class ApiRefusal extends Error {
  readonly answer: HttpAnswer;

  constructor(answer: HttpAnswer) {
    super(`The emulator responds with ${answer.status}`);
    this.answer = answer;
  }
}

/** The header, if it is sent once. */
export function headerOf(call: ApiCall, name: string): string | undefined {
  return call.headers[name]?.[0];
}

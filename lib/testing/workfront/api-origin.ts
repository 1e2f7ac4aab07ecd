import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FaultQueue, TokenHook } from '../http/faults.js';
import { HttpExchange, type HttpExchangeContext, requestUrl } from '../http/http-exchange.js';
import type { HttpAnswer } from '../http/http-response.js';
import { decodeClaims } from '../http/jwt.js';
import { ConcurrencyGauge } from '../http/request-log.js';
import { Routes } from '../http/routes.js';
import { readTokenRequest } from '../http/token-form.js';
import type { TokenLedger } from '../http/token-ledger.js';
import { type AttaskApi, isAttaskPath } from './emulated-api.js';
import type { ExchangeEndpoint } from './emulated-token-endpoint.js';
import type { WorkfrontRefusal } from './refusals.js';
import { findSessionFault, sessionOf } from './session-guard.js';
import {
  attaskError,
  badRequest,
  EXCHANGE_REFUSALS,
  notAuthenticated,
  tooManyRequests,
} from './workfront-responses.js';

/** The requests that a fault of `WorkfrontEmulator` applies to: JWT exchanges, API calls, or downloads. */
export type WorkfrontFaultTarget = 'exchange' | 'api' | 'download';

export interface WorkfrontOriginParts extends HttpExchangeContext {
  readonly api: AttaskApi;
  readonly endpoint: ExchangeEndpoint;
  readonly faults: FaultQueue<WorkfrontFaultTarget>;
  readonly refusals: WorkfrontRefusal[];
  readonly sessions: TokenLedger;
}

export const EXCHANGE_PATH = '/integrations/oauth2/api/v1/jwt/exchange';
const MAX_BODY_BYTES = 1024 * 1024;

/** The counterpart of `<domain>.my.workfront.com`: the JWT exchange and the API. */
export class WorkfrontOrigin {
  maxConcurrentApiRequests: number;
  onExchange: TokenHook | undefined;
  readonly routes = new Routes();
  readonly #gauge = new ConcurrencyGauge();
  readonly #parts: WorkfrontOriginParts;

  constructor(parts: WorkfrontOriginParts, maxConcurrentApiRequests: number) {
    this.#parts = parts;
    this.maxConcurrentApiRequests = maxConcurrentApiRequests;
  }

  mostConcurrent(kind: 'exchange' | 'api'): number {
    return this.#gauge.highest(kind);
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = requestUrl(request);
    const kind = url?.pathname === EXCHANGE_PATH ? 'exchange' : 'api';
    const exchange = new HttpExchange(kind, request, response, this.#parts);
    exchange.whenOver(this.#gauge.enter(kind));
    if (!url) await exchange.send(badRequest('Invalid request target'));
    else if (kind === 'exchange') await this.#serveExchange(exchange);
    else await this.#serveApi(exchange, url);
  }

  async #serveExchange(exchange: HttpExchange): Promise<void> {
    const { endpoint, faults } = this.#parts;
    const { record } = exchange;
    const form = await readTokenRequest(exchange);
    const userId = decodeClaims(record.body?.jwt_token ?? '')?.sub;
    if (typeof userId === 'string') record.subject = { type: 'user', id: userId };

    // Evaluated before any fault is injected: Workfront counts the JWT as used, whatever response it sends.
    const decision = endpoint.evaluate(form);
    const fault = this.onExchange?.(record) ?? faults.take('exchange');
    if (fault && !(await exchange.inject(fault))) return;
    if ('respond' in decision) await exchange.send(decision.respond());
    else await this.#refuse(exchange, 'exchange', decision, EXCHANGE_REFUSALS[decision.reason]);
  }

  async #serveApi(exchange: HttpExchange, url: URL): Promise<void> {
    const { api, faults, sessions } = this.#parts;
    const { record, request } = exchange;
    const { method } = record;
    const headers = request.headersDistinct;
    const subject = sessions.find(sessionOf(headers) ?? '')?.subject;
    if (subject) record.subject = subject;

    if (this.#gauge.current('api') > this.maxConcurrentApiRequests) {
      await exchange.readBody(0);
      const detail = `${this.maxConcurrentApiRequests} requests were in progress already.`;
      const cause = { reason: 'too-many-requests', detail } as const;
      await this.#refuse(exchange, 'api', cause, tooManyRequests());
      return;
    }
    const fault = faults.take('api');
    if (fault && !(await exchange.inject(fault))) return;

    const sessionFault = isAttaskPath(url.pathname)
      ? findSessionFault(headers, sessions)
      : undefined;
    const handler = this.routes.find(method, url.pathname);
    if (handler && !sessionFault) {
      await exchange.handle(handler);
      return;
    }
    const body = await exchange.readBody(MAX_BODY_BYTES);
    const contentType = request.headers['content-type'] ?? '';
    if (sessionFault) await this.#refuse(exchange, 'api', sessionFault, notAuthenticated());
    else if (!body) await exchange.send(attaskError(413, 'RequestTooLargeException', 'Too large'));
    else await exchange.send(api.respond({ method, url, contentType, body }));
  }

  async #refuse(
    exchange: HttpExchange,
    target: WorkfrontRefusal['target'],
    { reason, detail }: Pick<WorkfrontRefusal, 'reason' | 'detail'>,
    response: HttpAnswer,
  ): Promise<void> {
    this.#parts.refusals.push({ target, reason, detail, status: response.status });
    await exchange.send(response);
  }
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type FaultQueue, type FaultTarget, type TokenHook } from '../http/faults.js';
import { HttpExchange, type HttpExchangeContext, requestUrl } from '../http/http-exchange.js';
import { ConcurrencyGauge, type OpenRecord, type RequestKind } from '../http/request-log.js';
import { Routes } from '../http/routes.js';
import { readTokenRequest } from '../http/token-form.js';
import type { TokenLedger, TokenSubject } from '../http/token-ledger.js';
import { bearerOf, identifyCaller } from './bearer-guard.js';
import { boxError, boxOAuthResponses, notFound } from './box-responses.js';
import type { EmulatedApi } from './api/emulated-api.js';
import type { EmulatedApp } from './emulated-app.js';
import type { EmulatedTokenEndpoint } from './emulated-token-endpoint.js';
import { AUTHORIZE_PATH } from './oauth/authorization-request.js';
import type { EmulatedOAuth } from './oauth/emulated-oauth.js';

export interface ApiOriginParts extends HttpExchangeContext {
  readonly api: EmulatedApi;
  readonly app: EmulatedApp;
  readonly faults: FaultQueue<FaultTarget>;
  readonly ledger: TokenLedger;
  readonly oauth: EmulatedOAuth;
  readonly tokenEndpoint: EmulatedTokenEndpoint;
}

// Box accepts files of up to 50 MB in one request.
const MAX_UPLOAD_BYTES = 64 * 1024 * 1024;
const AUTHORIZE_ENDPOINTS = [`GET ${AUTHORIZE_PATH}`, `POST ${AUTHORIZE_PATH}`] as const;
const RESOURCE_PATH = /^(\/api)?\/2\.0(\/|$)/;

/**
 * The counterpart of `api.box.com`, `upload.box.com` and `account.box.com`: token endpoint, revocation, API, uploads and
 * the authorize page.
 */
export class ApiOrigin {
  onToken: TokenHook | undefined;
  readonly routes = new Routes();
  readonly #gauge = new ConcurrencyGauge();
  readonly #parts: ApiOriginParts;

  constructor(parts: ApiOriginParts) {
    this.#parts = parts;
  }

  /** @throws TypeError for a target that no request has */
  checkTarget(target: FaultTarget): void {
    const targets: readonly string[] = [
      'token',
      'revoke',
      'api',
      'download',
      ...this.#parts.api.endpoints,
      ...AUTHORIZE_ENDPOINTS,
    ];
    if (targets.includes(target)) return;
    throw new TypeError(
      `Invalid fault target: expected token, revoke, api, download or an endpoint such as "GET /2.0/files/:id", received ${JSON.stringify(target)}`,
    );
  }

  mostConcurrentMints(subject?: TokenSubject): number {
    return this.#gauge.highest(gaugeName(subject));
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = requestUrl(request);
    const kind = kindOf(url?.pathname);
    const isOAuth = kind === 'token' || kind === 'revoke';
    const context = isOAuth ? { ...this.#parts, responses: boxOAuthResponses } : this.#parts;
    const exchange = new HttpExchange(kind, request, response, context);
    if (!url) await exchange.send(boxError(400, 'bad_request', 'Bad Request: the request target.'));
    else if (kind === 'token') await this.#serveToken(exchange);
    else if (kind === 'revoke') await this.#serveRevocation(exchange);
    else if (kind === 'authorize') await this.#serveAuthorize(exchange, url);
    else if (kind === 'control') await this.#serveControl(exchange, url);
    else await this.#serveApi(exchange, url);
  }

  async #serveToken(exchange: HttpExchange): Promise<void> {
    const { faults, tokenEndpoint } = this.#parts;
    const { record } = exchange;
    exchange.whenOver(this.#gauge.enter(gaugeName()));
    const form = await readTokenRequest(exchange);
    const subject = tokenEndpoint.requestedSubject(record.body ?? {});
    if (subject) {
      this.#recordSubject(record, subject);
      exchange.whenOver(this.#gauge.enter(gaugeName(subject)));
    }

    // Evaluated before any fault is injected: Box counts the `jti` as used, whatever response it sends.
    const decision = tokenEndpoint.evaluate(form);
    const fault = this.onToken?.(record) ?? faults.take('token');
    if (!fault || (await exchange.inject(fault))) await exchange.send(decision.respond());
  }

  async #serveRevocation(exchange: HttpExchange): Promise<void> {
    const form = await readTokenRequest(exchange);
    const fault = this.#parts.faults.take('revoke');
    if (fault && !(await exchange.inject(fault))) return;
    await exchange.send(this.#parts.tokenEndpoint.revoke(form));
  }

  async #serveAuthorize(exchange: HttpExchange, url: URL): Promise<void> {
    const { faults, oauth } = this.#parts;
    const { headers } = await readTokenRequest(exchange);
    const { method, body: form = {} } = exchange.record;
    const endpoint = AUTHORIZE_ENDPOINTS.find((name) => name === `${method} ${url.pathname}`);
    const fault = endpoint && faults.take(endpoint);
    if (fault && !(await exchange.inject(fault))) return;
    await exchange.send(oauth.authorizeEndpoint.respond({ method, url, headers, form }));
  }

  /** Faults do not apply here: these resources must work while Box does not. */
  async #serveControl(exchange: HttpExchange, url: URL): Promise<void> {
    const handler = this.routes.find(exchange.record.method, url.pathname);
    if (handler) await exchange.handle(handler);
    else await exchange.send(notFound());
  }

  async #serveApi(exchange: HttpExchange, url: URL): Promise<void> {
    const { api, app, faults, ledger, oauth } = this.#parts;
    const { request, record } = exchange;
    const { method } = record;
    const headers = request.headersDistinct;
    const subject = ledger.find(bearerOf(headers) ?? '')?.subject;
    if (subject) this.#recordSubject(record, subject);

    const endpoint = api.endpointOf(method, url.pathname);
    const fault = (endpoint && faults.take(endpoint)) ?? faults.take('api');
    if (fault && !(await exchange.inject(fault))) return;

    const isResource = RESOURCE_PATH.test(url.pathname);
    const caller = isResource ? identifyCaller(headers, app, ledger) : notFound();
    const handler = this.routes.find(method, url.pathname);
    if (!('status' in caller)) oauth.connections.noteUse(caller.token);
    if (handler && !(isResource && 'status' in caller)) {
      await exchange.handle(handler);
      return;
    }
    const body = await exchange.readBody(MAX_UPLOAD_BYTES);
    if ('status' in caller) await exchange.send(caller);
    else if (!body)
      await exchange.send(boxError(413, 'request_entity_too_large', 'Request Entity too Large'));
    else {
      const origin = `http://${request.headers.host ?? url.host}`;
      await exchange.send(await api.respond({ method, url, origin, headers, body, caller }));
    }
  }

  #recordSubject(record: OpenRecord, subject: TokenSubject): void {
    record.subject = subject;
    const account = this.#parts.app.enterprises.accountOf(subject);
    if (account) record.enterprise = account.enterpriseId;
  }
}

function kindOf(pathname: string | undefined): RequestKind {
  if (pathname === '/oauth2/token') return 'token';
  if (pathname === '/oauth2/revoke') return 'revoke';
  if (pathname === AUTHORIZE_PATH) return 'authorize';
  return pathname?.startsWith('/emulator/') ? 'control' : 'api';
}

function gaugeName(subject?: TokenSubject): string {
  return subject ? `${subject.type} ${subject.id}` : 'all';
}

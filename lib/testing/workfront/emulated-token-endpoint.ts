import type { EmulatorClock } from '../http/emulator-clock.js';
import { type HttpAnswer, tokenResponse } from '../http/http-response.js';
import { readTokenForm, type TokenHttpRequest } from '../http/token-form.js';
import type { TokenLedger, TokenSubject } from '../http/token-ledger.js';
import { checkAssertion } from './assertion-check.js';
import { newWorkfrontId, type WorkfrontApplication } from './emulated-app.js';
import { type ExchangeFault, FORM_RULES } from './refusals.js';
import { workfrontResponses } from './workfront-responses.js';

const FIELDS = ['client_id', 'client_secret', 'jwt_token'] as const;

/** The outcome of a request to the exchange. A session is issued only when `respond` is called. */
export type ExchangeDecision =
  { respond(): HttpAnswer } | { readonly reason: ExchangeFault; readonly detail: string };

/** Serves `/integrations/oauth2/api/v1/jwt/exchange`. */
export class ExchangeEndpoint {
  lifetimeS: number | null;
  readonly #application: WorkfrontApplication;
  readonly #clock: EmulatorClock;
  readonly #sessions: TokenLedger;
  readonly #usedJwts = new Set<string>();
  readonly #wid = newWorkfrontId();

  constructor(options: {
    readonly application: WorkfrontApplication;
    readonly clock: EmulatorClock;
    readonly sessions: TokenLedger;
    readonly lifetimeS: number | null;
  }) {
    this.#application = options.application;
    this.#clock = options.clock;
    this.#sessions = options.sessions;
    this.lifetimeS = options.lifetimeS;
  }

  /** Checks a request. Its JWT counts as used from then on, even if a fault replaces the response. */
  evaluate(request: TokenHttpRequest): ExchangeDecision {
    const form = readTokenForm(request, workfrontResponses.credentialHeaders);
    if ('fault' in form) return { reason: form.fault, detail: FORM_RULES[form.fault] };
    const { fields } = form;
    const unknown = [...fields.keys()].find((name) => !FIELDS.some((known) => known === name));
    if (unknown !== undefined) {
      return { reason: 'unknown-field', detail: `The form must not have the field ${unknown}.` };
    }
    const [clientId, clientSecret, jwt] = FIELDS.map((name) => fields.get(name));
    if (clientId === undefined || clientSecret === undefined || jwt === undefined) {
      return {
        reason: 'missing-field',
        detail: `The form must have the fields ${FIELDS.join(', ')}.`,
      };
    }
    if (!this.#application.isClient(clientId, clientSecret)) {
      return { reason: 'client', detail: 'The client_id or the client_secret is wrong.' };
    }
    return this.#evaluateJwt(jwt);
  }

  #evaluateJwt(jwt: string): ExchangeDecision {
    const { credentials, publicKeys } = this.#application;
    const { clientId, customerId, userId } = credentials;
    const result = checkAssertion(jwt, {
      clientId,
      customerId,
      userId,
      publicKeys,
      nowMs: this.#clock.nowMs(),
      isUsed: (signingInput) => this.#usedJwts.has(signingInput),
    });
    if (result.signingInput !== undefined) this.#usedJwts.add(result.signingInput);
    return result.isValid
      ? { respond: () => this.#issueSession({ type: 'user', id: userId }) }
      : result;
  }

  /** The response of the exchange is undocumented; this is the documented one of `/oauth2/api/v1/token`. */
  #issueSession(subject: TokenSubject): HttpAnswer {
    const session = this.#sessions.issue(subject, this.lifetimeS);
    return tokenResponse({
      token_type: 'sessionID',
      access_token: session.value,
      refresh_token: newWorkfrontId(),
      ...(this.lifetimeS !== null && { expires_in: this.lifetimeS }),
      wid: this.#wid,
    });
  }
}

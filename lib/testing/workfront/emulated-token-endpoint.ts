import type { HttpAnswer } from '../http/http-response.js';
import type { EmulatorClock } from '../http/emulator-clock.js';
import { readTokenForm, type TokenHttpRequest } from '../http/token-form.js';
import type { TokenLedger, TokenSubject } from '../http/token-ledger.js';
import { checkAssertion } from './assertion-check.js';
import { type ExchangeFault, FORM_RULES } from './refusals.js';
import { newWorkfrontId, type WorkfrontApplication } from './emulated-app.js';
import { workfrontResponses } from './workfront-responses.js';

const FIELDS = ['client_id', 'client_secret', 'jwt_token'] as const;

/** What a judged request gets. Nothing is minted before `mint` is called. */
export type ExchangeDecision =
  { mint(): HttpAnswer } | { readonly reason: ExchangeFault; readonly detail: string };

/** `/integrations/oauth2/api/v1/jwt/exchange`. */
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

  /** That alone spends the JWT, even if a fault then takes the place of the answer. */
  judge(request: TokenHttpRequest): ExchangeDecision {
    const form = readTokenForm(request, workfrontResponses.credentialHeaders);
    if ('fault' in form) return { reason: form.fault, detail: FORM_RULES[form.fault] };
    const { fields } = form;
    const unknown = [...fields.keys()].find((name) => !FIELDS.some((known) => known === name));
    if (unknown !== undefined) {
      return { reason: 'unknown-field', detail: `The form must have no ${unknown}.` };
    }
    const [clientId, clientSecret, jwt] = FIELDS.map((name) => fields.get(name));
    if (clientId === undefined || clientSecret === undefined || jwt === undefined) {
      return { reason: 'missing-field', detail: `The form must have ${FIELDS.join(', ')}.` };
    }
    if (!this.#application.isClient(clientId, clientSecret)) {
      return { reason: 'client', detail: 'The client_id or the client_secret is wrong.' };
    }
    return this.#judgeJwt(jwt);
  }

  #judgeJwt(jwt: string): ExchangeDecision {
    const { credentials, publicKeys } = this.#application;
    const { clientId, customerId, userId } = credentials;
    const verdict = checkAssertion(jwt, {
      clientId,
      customerId,
      userId,
      publicKeys,
      nowMs: this.#clock.nowMs(),
      isUsed: (signingInput) => this.#usedJwts.has(signingInput),
    });
    if (verdict.signingInput !== undefined) this.#usedJwts.add(verdict.signingInput);
    return verdict.accepted ? { mint: () => this.#mint({ type: 'user', id: userId }) } : verdict;
  }

  /** The exchange's own answer is undocumented; this is what `/oauth2/api/v1/token`, its sibling, is documented to give. */
  #mint(subject: TokenSubject): HttpAnswer {
    const session = this.#sessions.issue(subject, this.lifetimeS);
    return {
      status: 200,
      headers: { 'cache-control': 'no-store' },
      body: {
        token_type: 'sessionID',
        access_token: session.value,
        refresh_token: newWorkfrontId(),
        ...(this.lifetimeS !== null && { expires_in: this.lifetimeS }),
        wid: this.#wid,
      },
    };
  }
}

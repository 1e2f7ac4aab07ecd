import { type FormFault } from '../http/token-form.js';

/** Why a JWT was refused. */
export type JwtFault =
  | 'malformed-jwt'
  | 'algorithm'
  | 'header'
  | 'signature'
  | 'issuer'
  | 'subject'
  | 'expiry-missing'
  | 'expired'
  | 'expiry-too-far'
  | 'not-yet-valid'
  | 'replayed';

/** Why a request to the exchange was refused. */
export type ExchangeFault = FormFault | 'missing-field' | 'unknown-field' | 'client' | JwtFault;

/** Why a request to the API was refused. */
export type SessionFault =
  'authorization-header' | 'no-session' | 'unknown-session' | 'ended-session' | 'too-many-requests';

/** A refusal and its cause, which the answer itself does not tell. */
export interface WorkfrontRefusal {
  readonly target: 'exchange' | 'api';
  readonly reason: ExchangeFault | SessionFault;
  /** For a person to read; no field's value is in it. */
  readonly detail: string;
  /** What the request was answered with. */
  readonly status: number;
}

/** What a `FormFault` broke. */
export const FORM_RULES: Readonly<Record<FormFault, string>> = {
  method: 'The method must be POST.',
  'credential-header': 'Neither authorization nor sessionID may be sent to the exchange.',
  query: 'Fields must be sent in the body, not in the address.',
  'content-type': 'The body must be application/x-www-form-urlencoded.',
  'too-large': 'The body must be 64 KiB at most.',
  'repeated-field': 'Each field must be sent once.',
};

export class RefusalLog {
  #entries: readonly WorkfrontRefusal[] = [];

  get entries(): readonly WorkfrontRefusal[] {
    return this.#entries;
  }

  add(refusal: WorkfrontRefusal): void {
    this.#entries = [...this.#entries, refusal];
  }

  clear(): void {
    this.#entries = [];
  }
}

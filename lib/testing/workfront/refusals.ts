import { type FormFault } from '../http/token-form.js';

/** The reason why a JWT was rejected. */
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

/** The reason why a request to the exchange was rejected. */
export type ExchangeFault = FormFault | 'missing-field' | 'unknown-field' | 'client' | JwtFault;

/** The reason why a request to the API was rejected. */
export type SessionFault =
  'authorization-header' | 'no-session' | 'unknown-session' | 'ended-session' | 'too-many-requests';

/** A rejected request and the reason, which the response does not give. */
export interface WorkfrontRefusal {
  readonly target: 'exchange' | 'api';
  readonly reason: ExchangeFault | SessionFault;
  /** An explanation without any field's value. */
  readonly detail: string;
  /** The status of the response. */
  readonly status: number;
}

/** The rule that each `FormFault` breaks. */
export const FORM_RULES: Readonly<Record<FormFault, string>> = {
  method: 'The method must be POST.',
  'credential-header': 'The exchange accepts neither authorization nor sessionID.',
  query: 'Fields must be sent in the body, not in the URL.',
  'content-type': 'The body must be application/x-www-form-urlencoded.',
  'too-large': 'The body must be at most 64 KiB.',
  'repeated-field': 'Each field must be sent only once.',
};

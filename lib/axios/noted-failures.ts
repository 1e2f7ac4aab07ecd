import { type InternalAxiosRequestConfig, isAxiosError } from 'axios';
import { noteIssuer } from '../core/http/failed-calls.js';
import type { OutgoingPolicy } from '../core/http/outgoing-policy.js';
import { urlOf } from './request-url.js';

/** Notes on the error of a call if that was to the issuer's API, and not to another host. */
export function noteFailure(
  error: unknown,
  config: InternalAxiosRequestConfig,
  policy: OutgoingPolicy,
): void {
  if (!isAxiosError(error)) return;
  const url = urlOf(config);
  if (url !== undefined && policy.allows(url)) noteIssuer(error, policy.issuer);
}

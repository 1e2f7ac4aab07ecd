import { type AxiosAdapter, isAxiosError } from 'axios';
import { noteIssuer } from '../core/http/failed-calls.js';
import type { OutgoingPolicy } from '../core/http/outgoing-policy.js';
import { urlOf } from './request-url.js';

/** Wraps an adapter that notes which errors are about calls to the issuer's API, and not to another host. */
export function notingFailures(send: AxiosAdapter, policy: OutgoingPolicy): AxiosAdapter {
  return async (config) => {
    try {
      return await send(config);
    } catch (error) {
      if (isAxiosError(error)) {
        const url = urlOf(config);
        if (url !== undefined && policy.allows(url)) noteIssuer(error, policy.issuer);
      }
      throw error;
    }
  };
}

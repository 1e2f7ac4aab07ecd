import type { AxiosInstance } from 'axios';
import {
  boxAuthOf,
  type BoxTokenProvider,
  providerReplacedError,
} from '../box/box-token.provider.js';
import { attachToAxios } from './axios-authorization.js';

/**
 * Adds a token, and the acting user, to the Box calls of an axios instance, with or without Nest. Attaching twice changes
 * nothing. Calls to other hosts stay unchanged.
 *
 * @throws BoxAuthError `option_invalid` if the instance already carries the tokens of another app
 *
 * @example
 * ```ts
 * import axios from 'axios';
 * import { boxAuth } from 'nestjs-box-auth/express';
 * import { attachBoxAuth } from 'nestjs-box-auth/express/axios';
 *
 * const box = boxAuth();
 * const http = axios.create({ baseURL: 'https://api.box.com/2.0' });
 * attachBoxAuth(http, box.provider);
 * ```
 */
export function attachBoxAuth(instance: AxiosInstance, provider: BoxTokenProvider): void {
  const box = boxAuthOf(provider);
  if (box !== undefined) return attachToAxios(instance, box.policy, box.fetch, box.transport);
  instance.interceptors.request.use(() => {
    throw providerReplacedError();
  });
}

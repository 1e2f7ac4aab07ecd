import { Inject, Injectable } from '@nestjs/common';
import type { AxiosInstance } from 'axios';
import { BOX_AUTH } from '../box-auth.module-definition.js';
import type { BoxAuth } from '../box-auth.js';
import { attachToAxios } from '../outgoing/axios-authorization.js';

/**
 * Puts a token, and the acting user, onto the Box calls of any axios instance.
 *
 * @example
 * ```ts
 * import { Injectable } from '@nestjs/common';
 * import axios from 'axios';
 * import { BoxAxiosInterceptor } from 'nestjs-box-auth/axios';
 *
 * @Injectable()
 * export class Reports {
 *   readonly http = axios.create({ baseURL: 'https://api.box.com/2.0' });
 *
 *   constructor(interceptor: BoxAxiosInterceptor) {
 *     interceptor.attach(this.http);
 *   }
 * }
 * ```
 */
@Injectable()
export class BoxAxiosInterceptor {
  constructor(@Inject(BOX_AUTH) private readonly box: BoxAuth) {}

  /** Where Box is, for an instance that has no `baseURL` of its own. */
  get apiUrl(): string {
    return this.box.apiUrl;
  }

  /** Attaches to `instance`; a second time changes nothing. Calls to other hosts than Box's stay as they are. */
  attach(instance: AxiosInstance): void {
    attachToAxios(instance, this.box.policy, this.box.fetch);
  }
}

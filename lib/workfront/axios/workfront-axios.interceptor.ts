import { Injectable } from '@nestjs/common';
import type { AxiosInstance } from 'axios';
import { attachToAxios } from '../../axios/axios-authorization.js';
// oxlint-disable-next-line typescript/consistent-type-imports -- Nest reads the parameter's type at run time
import {
  workfrontAuthOf,
  workfrontProviderReplacedError,
  WorkfrontTokenProvider,
} from '../workfront-token.provider.js';

/**
 * Adds a session to the Workfront calls of any axios instance.
 *
 * @example
 * ```ts
 * import { Injectable } from '@nestjs/common';
 * import axios from 'axios';
 * import { WorkfrontAxiosInterceptor } from 'nestjs-box-auth/workfront/axios';
 *
 * @Injectable()
 * export class Reports {
 *   readonly http = axios.create({ baseURL: 'https://acme.my.workfront.com/attask/api/v17.0' });
 *
 *   constructor(interceptor: WorkfrontAxiosInterceptor) {
 *     interceptor.attach(this.http);
 *   }
 * }
 * ```
 */
@Injectable()
export class WorkfrontAxiosInterceptor {
  constructor(private readonly provider: WorkfrontTokenProvider) {}

  /** The address of Workfront: the default `baseURL` of an instance. */
  get apiUrl(): string | undefined {
    return workfrontAuthOf(this.provider)?.apiUrl;
  }

  /** Attaches the interceptor to `instance`, once. Calls to other hosts are sent unchanged. */
  attach(instance: AxiosInstance): void {
    const workfront = workfrontAuthOf(this.provider);
    if (workfront !== undefined) return attachToAxios(instance, workfront.policy, workfront.fetch);
    instance.interceptors.request.use(() => {
      throw workfrontProviderReplacedError();
    });
  }
}

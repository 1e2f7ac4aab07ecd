import { Injectable } from '@nestjs/common';
import type { AxiosInstance } from 'axios';
// oxlint-disable-next-line typescript/consistent-type-imports -- Nest reads the parameter's type at run time
import { boxAuthOf, BoxTokenProvider } from '../box/box-token.provider.js';
import type { BaseUrlOf } from '../core/http/authorized-fetch.js';
import { attachBoxAuth } from './attach-box-auth.js';

/**
 * Adds a token, and the acting user, to the Box calls of any axios instance.
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
  constructor(private readonly provider: BoxTokenProvider) {}

  /** The `apiUrl` of the app: the default `baseURL` of an instance. */
  get apiUrl(): string | undefined {
    return boxAuthOf(this.provider)?.apiUrl;
  }

  /** @internal For `HttpService`, whose uploads go to `uploadUrl`. */
  get baseUrlOf(): BaseUrlOf | undefined {
    return boxAuthOf(this.provider)?.baseUrlOf;
  }

  /** Attaches to `instance`. Attaching twice changes nothing. Calls to other hosts stay unchanged. */
  attach(instance: AxiosInstance): void {
    attachBoxAuth(instance, this.provider);
  }
}

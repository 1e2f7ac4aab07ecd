export { attachBoxAuth } from './attach-box-auth.js';
export { BoxAxiosInterceptor } from './box-axios.interceptor.js';
export {
  BoxHttpModule,
  type BoxHttpModuleAsyncOptions,
  type BoxHttpModuleOptions,
  getBoxAxiosInterceptorToken,
  getBoxHttpServiceToken,
  InjectBoxHttpService,
} from './box-http.module.js';

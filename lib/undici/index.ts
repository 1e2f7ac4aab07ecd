export { type BoxAuthInterceptor, boxAuthInterceptor } from './box-auth.interceptor.js';

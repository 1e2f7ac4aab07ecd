export { BoxAxiosInterceptor } from './box-axios.interceptor.js';
export { BoxHttpModule } from './box-http.module.js';

export { WorkfrontAxiosInterceptor } from './workfront-axios.interceptor.js';
export { WorkfrontHttpModule, WorkfrontHttpService } from './workfront-http.module.js';

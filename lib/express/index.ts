export { boxAuthErrors } from './box-auth-errors.js';
export {
  boxAuth,
  type BoxAuthExpressOptions,
  type BoxAuthMiddleware,
  type RequestBox,
} from './box-auth.middleware.js';

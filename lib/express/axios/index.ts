export { attachBoxAuth } from '../../axios/attach-box-auth.js';

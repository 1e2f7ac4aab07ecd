export { boxClient, type BoxClientSession } from './box-client.js';
export { BoxSdkAuthentication } from './box-sdk.authentication.js';
export {
  BoxSdkModule,
  type BoxSdkModuleOptions,
  getBoxClientToken,
  InjectBoxClient,
} from './box-sdk.module.js';
export { BoxSdkNetworkClient } from './box-sdk.network-client.js';

export { boxClient, type BoxClientSession } from '../../sdk/box-client.js';
export { BoxSdkAuthentication } from '../../sdk/box-sdk.authentication.js';
export { BoxSdkNetworkClient } from '../../sdk/box-sdk.network-client.js';

import type { BoxClient } from 'box-node-sdk';
import { boxAuth, type BoxAuthMiddleware } from 'nestjs-box-auth/express';
import { boxClient, BoxSdkAuthentication } from 'nestjs-box-auth/express/sdk';

const box: BoxAuthMiddleware = boxAuth();

export const client: BoxClient = boxClient(box.provider, {
  timeoutConfig: { timeoutMs: 30_000 },
});
export const authentication = new BoxSdkAuthentication(box.provider);

import type { AddressInfo } from 'node:net';
import { createApp, type Platform } from '../../sample-app/src/create-app.js';
import type { PortalOptions } from '../../sample-app/src/portal.options.js';
import { onEmulator } from '../../sample-app/src/settings.js';
import { ReverseProxy } from '../support/reverse-proxy.js';

export interface BrowsablePortal {
  readonly url: string;
  readonly portal: Awaited<ReturnType<typeof onEmulator>>;
  readonly stop: () => Promise<void>;
}

/** Starts the portal with its own emulator, like `npm start`. */
export async function startBrowsablePortal(platform: Platform): Promise<BrowsablePortal> {
  const proxy = await ReverseProxy.start();
  const portal = await onEmulator({ PORT: String(proxy.port) });
  const connections = portal.connections && { ...portal.connections, ...atAnotherSite(portal) };
  const app = await createApp(platform, { ...portal, connections }, { logger: false });
  await app.listen(0, '127.0.0.1');
  proxy.target = (app.getHttpServer().address() as AddressInfo).port;
  const url = `http://127.0.0.1:${proxy.port}`;
  portal.onListening?.(url);
  const stop = async () => {
    await app.close();
    await proxy.stop();
  };
  return { url, portal, stop };
}

/** People sign in at another site than the portal, as at Box: browsers keep `Strict` cookies from the redirect to the callback. */
function atAnotherSite({ connections }: PortalOptions): { readonly authorizeUrl: string } {
  const url = new URL('/api/oauth2/authorize', connections?.apiUrl);
  url.hostname = 'localhost';
  return { authorizeUrl: url.href };
}

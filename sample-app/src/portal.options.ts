import { type BoxAuthModuleOptions } from 'nestjs-box-auth';
import { type BoxConnectionsModuleOptions } from 'nestjs-box-auth/connections';
import { type BoxWebhooksModuleOptions } from 'nestjs-box-auth/webhooks';
import { type BreakableBox } from './emulated-box/breakable-box.js';
import { type DemoUsers } from './sign-in/demo-users.js';

/** The options of the portal. `settings.ts` reads them from the environment; tests pass their own. */
export interface PortalOptions {
  /** The options of `BoxAuthModule.forRoot`; without credentials it reads the environment. */
  readonly box: BoxAuthModuleOptions;
  readonly users: DemoUsers;
  /** The options of `BoxConnectionsModule.forRoot`. Without them, users cannot connect a Box account of their own. */
  readonly connections?: BoxConnectionsModuleOptions | undefined;
  /** The options of `BoxWebhooksModule.forRoot`. Without them, the app receives no webhooks. */
  readonly webhooks?: BoxWebhooksModuleOptions | undefined;
  /** The emulated Box that the page can break. Without it, the portal uses the real Box. */
  readonly emulatedBox?: BreakableBox | undefined;
  /** The rate of the load that the page can start. Default 1: calls count against the limits of the real Box. */
  readonly callsPerSecond?: number | undefined;
  /** The address of the other one of two processes. */
  readonly otherProcess?: string | undefined;
  /** Called with the URL of the app as soon as it serves. */
  readonly onListening?: (url: string) => void;
  /** Called after the app has stopped serving. */
  readonly onShutdown?: () => Promise<void>;
}

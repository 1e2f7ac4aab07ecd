import { type BoxAuthModuleOptions } from 'nestjs-box-auth';
import { type DemoUsers } from './sign-in/demo-users.js';

/** What the portal needs to know. `settings.ts` makes it from the environment, tests make their own. */
export interface PortalOptions {
  /** As `BoxAuthModule.forRoot` takes it: without credentials it reads the environment. */
  readonly box: BoxAuthModuleOptions;
  /** Where Box takes uploads. */
  readonly uploadUrl: string;
  readonly users: DemoUsers;
  /** Runs when the app has stopped serving. */
  readonly onShutdown?: () => Promise<void>;
}

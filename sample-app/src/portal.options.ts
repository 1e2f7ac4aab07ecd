import { type BoxAuthModuleOptions } from 'nestjs-box-auth';
import { type DemoUsers } from './sign-in/demo-users.js';

/** The options of the portal. `settings.ts` reads them from the environment; tests pass their own. */
export interface PortalOptions {
  /** The options of `BoxAuthModule.forRoot`; without credentials it reads the environment. */
  readonly box: BoxAuthModuleOptions;
  readonly users: DemoUsers;
  /** Called after the app has stopped serving. */
  readonly onShutdown?: () => Promise<void>;
}

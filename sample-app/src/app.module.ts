import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { BoxAuthModule } from 'nestjs-box-auth';
import { BoxHttpModule } from 'nestjs-box-auth/axios';
import { BoxConnectionsModule } from 'nestjs-box-auth/connections';
import { BoxHealthIndicator } from 'nestjs-box-auth/terminus';
import { BoxWebhooksModule } from 'nestjs-box-auth/webhooks';
import { BoxAuthErrorFilter } from './box/box-auth-error.filter.js';
import { ConnectionController } from './connection/connection.controller.js';
import { BREAKABLE_BOX, FaultsController } from './emulated-box/faults.controller.js';
import { EventsController } from './events/events.controller.js';
import { TokenEvents } from './events/token-events.js';
import { FilesController } from './files/files.controller.js';
import { Uploads } from './files/uploads.js';
import { FoldersController } from './folders/folders.controller.js';
import { HealthController } from './health/health.controller.js';
import { IdentityController } from './identity/identity.controller.js';
import { CALLS_PER_SECOND, Load } from './load/load.js';
import { LoadController } from './load/load.controller.js';
import { CONNECTIONS_ORIGIN, OTHER_PROCESS, PageController } from './page/page.controller.js';
import { type PortalOptions } from './portal.options.js';
import { DemoUsers } from './sign-in/demo-users.js';
import { type PortalRequest } from './sign-in/portal-request.js';
import { userOfSession } from './sign-in/simulated-session.js';
import { TenantController } from './tenant/tenant.controller.js';
import { TokenHistory } from './tokens/token-history.js';
import { CLOCK, TokenStates } from './tokens/token-states.js';
import { TokensController } from './tokens/tokens.controller.js';
import { FolderChanges } from './webhooks/folder-changes.js';
import { WebhooksController } from './webhooks/webhooks.controller.js';

const PORTAL_OPTIONS = Symbol('PORTAL_OPTIONS');

@Module({
  imports: [TerminusModule],
  controllers: [
    PageController,
    IdentityController,
    TenantController,
    FoldersController,
    FilesController,
    HealthController,
    EventsController,
    TokensController,
    LoadController,
  ],
  providers: [
    Uploads,
    BoxHealthIndicator,
    TokenEvents,
    TokenHistory,
    TokenStates,
    Load,
    FolderChanges,
    { provide: APP_FILTER, useClass: BoxAuthErrorFilter },
  ],
})
export class AppModule implements OnApplicationShutdown {
  static register(options: PortalOptions): DynamicModule {
    const {
      box,
      users,
      connections,
      webhooks,
      emulatedBox,
      callsPerSecond = 1,
      otherProcess,
    } = options;
    const owner = (request: PortalRequest) => userOfSession(request, users)?.name;
    return {
      module: AppModule,
      imports: [
        BoxAuthModule.forRoot({ tenants: users.enterpriseIds, ...box }),
        // HttpService is used for uploads only. To follow redirects, axios would keep the whole body in memory.
        BoxHttpModule.register({ maxRedirects: 0 }),
        ...(connections === undefined
          ? []
          : [BoxConnectionsModule.forRoot({ ...connections, routes: { owner } })]),
        ...(webhooks === undefined ? [] : [BoxWebhooksModule.forRoot(webhooks)]),
      ],
      controllers: [
        ...(connections === undefined ? [] : [ConnectionController]),
        ...(webhooks === undefined ? [] : [WebhooksController]),
        ...(emulatedBox === undefined ? [] : [FaultsController]),
      ],
      providers: [
        { provide: PORTAL_OPTIONS, useValue: options },
        { provide: CONNECTIONS_ORIGIN, useValue: originOf(connections?.redirectUri) },
        ...(emulatedBox === undefined ? [] : [{ provide: BREAKABLE_BOX, useValue: emulatedBox }]),
        { provide: DemoUsers, useValue: users },
        ...(otherProcess === undefined ? [] : [{ provide: OTHER_PROCESS, useValue: otherProcess }]),
        { provide: CALLS_PER_SECOND, useValue: callsPerSecond },
        { provide: CLOCK, useValue: box.runtime ?? Date },
      ],
    };
  }

  constructor(@Inject(PORTAL_OPTIONS) private readonly options: PortalOptions) {}

  async onApplicationShutdown(): Promise<void> {
    await this.options.onShutdown?.();
  }
}

/** The origin that browsers come back to after a sign-in at Box. */
function originOf(redirectUri = ''): string {
  return URL.canParse(redirectUri) ? new URL(redirectUri).origin : '';
}

import 'reflect-metadata';
import { subscribe } from 'node:diagnostics_channel';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Injectable, type LoggerService, Module } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import {
  AsUser,
  BoxAuthError,
  BoxAuthExceptionFilter,
  BoxAuthModule,
  BoxFetch,
  BoxTokenProvider,
  onAuthEvent,
} from 'nestjs-box-auth';
import { BoxHttpModule } from 'nestjs-box-auth/axios';
import { BoxEmulator, WorkfrontEmulator } from 'nestjs-box-auth/testing';
import { WorkfrontAuthModule } from 'nestjs-box-auth/workfront';
import { BoxSdkModule } from 'nestjs-box-auth/sdk';
import { boxAuth } from 'nestjs-box-auth/express';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { HttpService } from '@nestjs/axios';
import { BoxClient } from 'box-node-sdk';
import { Agent, fetch as undiciFetch } from 'undici';

/** The app to bundle and minify; it prints what its users and operators would see. */
@Injectable()
class Account {
  constructor(
    private readonly box: BoxFetch,
    private readonly http: HttpService,
    private readonly sdk: BoxClient,
    private readonly provider: BoxTokenProvider,
  ) {}

  async read(): Promise<unknown> {
    const { id } = (await (await this.box('/2.0/users/me')).json()) as { id: string };
    const { data } = await this.http.axiosRef.get<{ id: string }>('/2.0/users/me');
    const dispatcher = new Agent().compose(boxAuthInterceptor(this.provider));
    const response = await undiciFetch(`${emulator.url}/2.0/users/me`, { dispatcher });
    const { id: undici } = (await response.json()) as { id: string };
    await dispatcher.close();
    return { fetch: id, axios: data.id, sdk: (await this.sdk.users.getUserMe()).id, undici };
  }
}

@Controller()
class AccountController {
  constructor(private readonly account: Account) {}

  @Get()
  @AsUser(() => '11111')
  read(): Promise<unknown> {
    return this.account.read();
  }
}

/** Collects the contexts of warnings and errors. */
class LogContexts implements LoggerService {
  readonly seen = new Set<string>();

  log(): void {}

  warn(_message: unknown, ...rest: unknown[]): void {
    this.seen.add(String(rest.at(-1)));
  }

  error(_message: unknown, ...rest: unknown[]): void {
    this.seen.add(String(rest.at(-1)));
  }
}

const emulator = await BoxEmulator.start();
const workfront = await WorkfrontEmulator.start();
const logger = new LogContexts();
const channels: string[] = [];
subscribe('nestjs-box-auth:mint', (_, name) => channels.push(String(name)));
const events: string[] = [];
onAuthEvent('mint', ({ outcome }) => events.push(outcome));

@Module({
  imports: [
    BoxAuthModule.forRoot({
      credentials: { config: emulator.config },
      apiUrl: emulator.url,
      warmUp: 'try',
    }),
    BoxHttpModule,
    BoxSdkModule,
    WorkfrontAuthModule.forRoot({
      ...workfront.credentials,
      url: workfront.url,
      warmUp: 'try',
    }),
  ],
  controllers: [AccountController],
  providers: [Account, { provide: APP_FILTER, useClass: BoxAuthExceptionFilter }],
})
class AppModule {}

@Module({ imports: [BoxAuthModule.forRoot()] })
class OfEnvironment {}

@Module({ imports: [BoxAuthModule] })
class BareBox {}

@Module({ imports: [WorkfrontAuthModule] })
class BareWorkfront {}

async function failure(work: () => unknown): Promise<object> {
  try {
    await work();
  } catch (error) {
    const { name, code, message } = error as BoxAuthError;
    return { isBoxAuthError: error instanceof BoxAuthError, name, code, message };
  }
  return { message: 'it did not fail' };
}

const start = (module: new () => object) =>
  NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });

emulator.authorized = false;
workfront.failNext('exchange', { kind: 'status', status: 400 });
const app = await NestFactory.create(AppModule, new ExpressAdapter(), {
  logger,
  abortOnError: false,
});
await app.listen(0, '127.0.0.1');
const url = `http://127.0.0.1:${(app.getHttpServer() as { address(): AddressInfo }).address().port}`;
const refused = await fetch(url);
const error = await failure(() => app.get(BoxTokenProvider).getToken());
emulator.authorized = true;
app.get(BoxTokenProvider).flush();
const served = await fetch(url);
process.env['BOX_CONFIG'] = JSON.stringify(emulator.config);
process.env['BOX_API_URL'] = emulator.url;
const ofEnvironment = await start(OfEnvironment);
const ofExpress = boxAuth();
const report = {
  environment: (await ofEnvironment.get(BoxTokenProvider).getToken()).subject.type,
  express: (await ofExpress.fetch('/2.0/users/me')).status,
  refused: refused.status,
  served: await served.json(),
  error,
  contexts: [...logger.seen].toSorted(),
  channels: [...new Set(channels)],
  events: [...new Set(events)].toSorted(),
  misused: await Promise.all([
    failure(() => start(BareBox)),
    failure(() => start(BareWorkfront)),
    failure(() => BoxAuthModule.forRoot(null as never)),
    failure(() => BoxAuthModule.forRootAsync({})),
    failure(() => WorkfrontAuthModule.forRoot(null as never)),
    failure(() => WorkfrontAuthModule.forRootAsync({})),
  ]),
  ownName: BoxAuthModule.name,
};
ofExpress.close();
await Promise.all([app.close(), ofEnvironment.close()]);
await Promise.all([emulator.stop(), workfront.stop()]);
process.stdout.write(JSON.stringify(report));

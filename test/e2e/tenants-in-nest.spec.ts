import { HttpService } from '@nestjs/axios';
import { Controller, type ExecutionContext, Get, Inject, Param } from '@nestjs/common';
import { HttpAdapterHost, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import axios from 'axios';
import { BoxClient } from 'box-node-sdk';
import {
  AsUser,
  BoxAuthExceptionFilter,
  BoxAuthModule,
  BoxFetch,
  BoxTokenProvider,
  ForEnterprise,
} from 'nestjs-box-auth';
import { BoxAxiosInterceptor, BoxHttpModule } from 'nestjs-box-auth/axios';
import { BoxSdkModule } from 'nestjs-box-auth/sdk';
import { expect, onTestFinished, test } from 'vitest';
import {
  callBy,
  type Clients,
  clientsOf,
  seenBy,
  startBox,
  visitInterleaved,
} from './tenant-fixture.js';

const CLIENTS = Symbol('clients');

/** The session of the request: the tests send it as headers. */
const header = (name: string) => (context: ExecutionContext) =>
  context.switchToHttp().getRequest<{ headers: Record<string, string | undefined> }>().headers[
    name
  ];

@Controller()
@ForEnterprise(header('x-tenant'))
class AccountController {
  constructor(@Inject(CLIENTS) private readonly clients: Clients) {}

  @Get('account/:client')
  account(@Param('client') client: string) {
    return callBy(this.clients, client);
  }

  @Get('header/:client')
  @AsUser(header('x-user'))
  header(@Param('client') client: string) {
    return callBy(this.clients, client);
  }

  @Get('token/:client')
  @AsUser(header('x-user'), { via: 'token' })
  token(@Param('client') client: string) {
    return callBy(this.clients, client);
  }
}

const names = ['BoxFetch', 'HttpService', 'axios', 'undici', 'SDK', 'getHeaders'];

test.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('Nest on %s keeps 20 tenants apart in 1,000 interleaved requests', async (_, adapter) => {
  const box = await startBox();
  const { emulator, enterprises } = box;
  const options = {
    credentials: { config: emulator.config },
    apiUrl: emulator.url,
    tenants: enterprises,
    tenantRequired: true,
  };
  const clients = {
    provide: CLIENTS,
    inject: [BoxTokenProvider, BoxFetch, HttpService, BoxAxiosInterceptor, BoxClient],
    useFactory: (
      provider: BoxTokenProvider,
      boxFetch: BoxFetch,
      http: HttpService,
      interceptor: BoxAxiosInterceptor,
      sdk: BoxClient,
    ): Clients => {
      const attached = axios.create();
      interceptor.attach(attached);
      const apiUrl = emulator.url;
      return clientsOf(provider, {
        boxFetch,
        axios: { HttpService: http.axiosRef, axios: attached },
        sdk,
        apiUrl,
      });
    },
  };
  const module = {
    module: class AppModule {},
    imports: [BoxAuthModule.forRoot(options), BoxHttpModule, BoxSdkModule],
    controllers: [AccountController],
    providers: [clients],
  };
  const app = await NestFactory.create(module, adapter(), { logger: false, abortOnError: false });
  onTestFinished(() => app.close());
  app.useGlobalFilters(new BoxAuthExceptionFilter(app.get(HttpAdapterHost)));
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  expect(Object.keys(app.get<Clients>(CLIENTS))).toEqual(names);

  await visitInterleaved(
    box,
    { clients: names, identities: ['account', 'header', 'token'] },
    (enterprise) => app.get(BoxTokenProvider).flush({ enterprise }),
    async ({ enterprise, user, identity, client }) => {
      const headers = { 'x-tenant': enterprise, ...(user !== undefined && { 'x-user': user }) };
      return seenBy(await fetch(`${url}/${identity}/${client}`, { headers }));
    },
  );
});

import { once } from 'node:events';
import { type INestApplication, Module, type Type } from '@nestjs/common';
import { HttpAdapterHost, NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import express5 from 'express';
import express4 from 'express4';
import { BoxAuthExceptionFilter } from 'nestjs-box-auth';
import {
  BoxConnections,
  BoxConnectionsModule,
  type BoxConnectionsModuleOptions,
  type BoxConnectionsRoutes,
} from 'nestjs-box-auth/connections';
import { boxAuthErrors, boxConnections } from 'nestjs-box-auth/express';
import { BoxEmulator, MemoryConnectionVault } from 'nestjs-box-auth/testing';
import { VAULT_SECRET } from './connections.js';

export const ALICE = '11111';
export const BOB = '22222';
export const REDIRECT_URI = 'http://localhost:3000/box/callback';

const QUIET = { logger: false, abortOnError: false } as const;

/** The person of a request. In the tests, a header is the session of the app. */
export const ownerOf = (request: object): string | undefined => {
  const { headers } = request as { headers: Record<string, string | undefined> };
  return headers['x-session'];
};

/** An app with the routes of connections, on a free port. */
export interface RunningApp {
  readonly url: string;
  readonly connections: BoxConnections;
  close(): Promise<unknown>;
}

interface Setup {
  readonly options: BoxConnectionsModuleOptions;
  readonly routes: BoxConnectionsRoutes;
}

/** Starts an app on each platform. */
export const platforms: Readonly<Record<string, (setup: Setup) => Promise<RunningApp>>> = {
  'Nest on Express': (setup) => startNest(setup, (app) => NestFactory.create(app, QUIET)),
  'Nest on Fastify': (setup) =>
    startNest(setup, (app) => NestFactory.create(app, new FastifyAdapter(), QUIET)),
  'Express 5': (setup) => startExpress(setup, express5()),
  'Express 4': (setup) => startExpress(setup, express4()),
};

async function startNest(
  { options, routes }: Setup,
  create: (module: Type) => Promise<INestApplication>,
): Promise<RunningApp> {
  @Module({ imports: [BoxConnectionsModule.forRoot({ ...options, routes })] })
  class AppModule {}
  const app = await create(AppModule);
  app.useGlobalFilters(new BoxAuthExceptionFilter(app.get(HttpAdapterHost)));
  await app.listen(0, '127.0.0.1');
  const connections = app.get(BoxConnections);
  return { url: await app.getUrl(), connections, close: () => app.close() };
}

async function startExpress(
  { options, routes }: Setup,
  app: ReturnType<typeof express5>,
): Promise<RunningApp> {
  const middleware = boxConnections({ ...options, logger: false, routes });
  app.use(middleware);
  app.use(boxAuthErrors({ log: () => undefined }));
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const { connections } = middleware;
  const close = async () => {
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
    await middleware.close();
  };
  return { url: `http://127.0.0.1:${port}`, connections, close };
}

export function optionsFor(
  emulator: BoxEmulator,
  changes: Partial<BoxConnectionsModuleOptions> = {},
): BoxConnectionsModuleOptions {
  const { clientId, clientSecret } = emulator.oauthApp;
  return {
    clientId,
    clientSecret,
    redirectUri: REDIRECT_URI,
    secret: VAULT_SECRET,
    vault: new MemoryConnectionVault(),
    apiUrl: emulator.url,
    ...changes,
  };
}

/** A browser: it has a session of the app, keeps cookies, and follows no redirect. */
export class Browser {
  readonly cookies = new Map<string, string>();

  constructor(
    private readonly appUrl: string,
    private readonly session?: string,
  ) {}

  /** `address` may be on the public origin of the app, which leads to the app. */
  async get(address: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.send('GET', address, headers);
  }

  async send(
    method: string,
    address: string,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const { pathname, search } = new URL(address, this.appUrl);
    const cookie = Array.from(this.cookies, ([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(`${this.appUrl}${pathname}${search}`, {
      method,
      redirect: 'manual',
      headers: {
        accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
        ...(this.session !== undefined && { 'x-session': this.session }),
        ...(cookie !== '' && { cookie }),
        ...headers,
      },
    });
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';')[0] ?? '').split('=');
      this.cookies.set(name, value);
    }
    return response;
  }

  /** Begins a sign-in. Returns the address at Box. */
  async begin(path = '/box/connect'): Promise<string> {
    const response = await this.get(path);
    const location = response.headers.get('location');
    if (response.status !== 302 || location === null) throw new Error(`Status ${response.status}`);
    return location;
  }
}

// A Nest app that people connect their accounts to: `node consumer-connections.cjs import express`, or `… require fastify`.
require('reflect-metadata');
const { Controller, Get } = require('@nestjs/common');
const { HttpAdapterHost, NestFactory } = require('@nestjs/core');

const [, , way, platform] = process.argv;
const byImport = way === 'import';
const REDIRECT_URI = 'http://localhost:3000/box/callback';

/** @param {object} request */
const ownerOf = (request) =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a request of Express or Fastify
  /** @type {import('node:http').IncomingMessage} */ (request).headers['x-session']?.toString();

void (async () => {
  const { BoxAuthExceptionFilter, BoxAuthModule, BoxFetch } = byImport
    ? await import('nestjs-box-auth')
    : require('nestjs-box-auth');
  const { AsConnectedUser, BoxConnectionsModule } = byImport
    ? await import('nestjs-box-auth/connections')
    : require('nestjs-box-auth/connections');
  const { BoxEmulator, MemoryConnectionVault } = byImport
    ? await import('nestjs-box-auth/testing')
    : require('nestjs-box-auth/testing');
  const emulator = await BoxEmulator.start({ redirectUris: [REDIRECT_URI] });

  class FilesController {
    /** @param {import('nestjs-box-auth').BoxFetch} box */
    constructor(box) {
      this.box = box;
    }

    async me() {
      return (await this.box('/2.0/users/me')).json();
    }
  }
  Reflect.defineMetadata('design:paramtypes', [BoxFetch], FilesController);
  const me = Object.getOwnPropertyDescriptor(FilesController.prototype, 'me');
  if (me !== undefined) Get('me')(FilesController.prototype, 'me', me);
  AsConnectedUser((context) => ownerOf(context.switchToHttp().getRequest()))(FilesController);
  Controller()(FilesController);

  class AppModule {}
  const { config, url: apiUrl, oauthApp } = emulator;
  const { clientId, clientSecret } = oauthApp;
  const imports = [
    BoxAuthModule.forRoot({ credentials: { config }, apiUrl }),
    BoxConnectionsModule.forRoot({
      clientId,
      clientSecret,
      redirectUri: REDIRECT_URI,
      secret: 'a secret of the vault, 0123456789abcdef',
      vault: new MemoryConnectionVault(),
      apiUrl,
      routes: { owner: ownerOf },
    }),
  ];
  const app = await NestFactory.create(
    { module: AppModule, imports, controllers: [FilesController] },
    adapter(),
    { logger: ['fatal'], abortOnError: false },
  );
  app.useGlobalFilters(new BoxAuthExceptionFilter(app.get(HttpAdapterHost)));
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();

  /** @param {string} path @param {Record<string, string>} [headers] */
  const get = (path, headers) =>
    fetch(`${url}${path}`, { headers: { 'x-session': 'ann', ...headers }, redirect: 'manual' });
  const begun = await get('/box/connect?returnTo=/files');
  const cookie = begun.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const location = begun.headers.get('location') ?? '';
  const callback = new URL(emulator.consent(location, { userId: '11111' }));
  const connected = await get(`${callback.pathname}${callback.search}`, { cookie });
  print(`${connected.status} ${connected.headers.get('location')}`);
  print(nameOf(await (await get('/me')).json()));
  const refused = await (await get('/me', { 'x-session': 'ben' })).json();
  print(`${refused.code} at ${refused.connectUrl}`);

  await app.close();
  await emulator.stop();
})();

function adapter() {
  if (platform === 'fastify') {
    const { FastifyAdapter } = require('@nestjs/platform-fastify');
    return new FastifyAdapter();
  }
  const { ExpressAdapter } = require('@nestjs/platform-express');
  return new ExpressAdapter();
}

/** @param {unknown} user */
function nameOf(user) {
  return user instanceof Object && 'name' in user ? String(user.name) : JSON.stringify(user);
}

/** @param {string} line */
function print(line) {
  process.stdout.write(`${line}\n`);
}

// An app that has installed Nest and nothing else: `node without-optional-peers.cjs import`, or `… require`.
require('reflect-metadata');

const byImport = process.argv[2] === 'import';

void (async () => {
  const { NestFactory } = byImport ? await import('@nestjs/core') : require('@nestjs/core');
  const { BoxAuthModule, BoxTokenProvider } = byImport
    ? await import('nestjs-box-auth')
    : require('nestjs-box-auth');
  const { BoxEmulator } = byImport
    ? await import('nestjs-box-auth/testing')
    : require('nestjs-box-auth/testing');

  const start = (/** @type {import('@nestjs/common').DynamicModule} */ boxAuthModule) =>
    NestFactory.createApplicationContext(boxAuthModule, { logger: false, abortOnError: false });

  const emulator = await BoxEmulator.start();
  const { config, url: apiUrl } = emulator;
  const app = await start(BoxAuthModule.forRoot({ credentials: { config }, apiUrl }));
  const { subject } = await app.get(BoxTokenProvider).getToken();
  process.stdout.write(`forRoot({ credentials }): a token for an ${subject.type}\n`);
  await app.close();
  await emulator.stop();

  await start(BoxAuthModule.forRoot()).catch((/** @type {unknown} */ error) => {
    process.stdout.write(`forRoot(): ${String(error)}\n`);
  });
})();

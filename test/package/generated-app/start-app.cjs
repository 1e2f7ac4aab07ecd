// Starts the built app of `nest new` after `nest add`, with credentials in the environment: `node start-app.cjs import`, or
// `… require`, like the app itself.
const byImport = process.argv[2] === 'import';
const BUILT = './dist/app.module.js';

void (async () => {
  const { NestFactory } = byImport ? await import('@nestjs/core') : require('@nestjs/core');
  const { BoxTokenProvider } = byImport
    ? await import('nestjs-box-auth')
    : require('nestjs-box-auth');
  const { BoxEmulator } = byImport
    ? await import('nestjs-box-auth/testing')
    : require('nestjs-box-auth/testing');
  const emulator = await BoxEmulator.start();
  process.env.BOX_CONFIG = JSON.stringify(emulator.config);
  process.env.BOX_API_URL = emulator.url;

  /** @type {{ AppModule: import('@nestjs/common').Type }} */
  // oxlint-disable-next-line typescript/no-unsafe-assignment -- the generated module
  const { AppModule } = byImport ? await import(BUILT) : require(BUILT);
  const app = await NestFactory.createApplicationContext(AppModule, {
    logger: ['warn', 'error', 'fatal'],
    abortOnError: false,
  });
  const { subject } = await app.get(BoxTokenProvider).getToken();
  process.stdout.write(`a token for an ${subject.type}\n`);
  await app.close();
  await emulator.stop();
})();

// An app that calls Box with the official SDK: `node consumer-sdk.cjs import`, or `… require`.
require('reflect-metadata');

const byImport = process.argv[2] === 'import';

void (async () => {
  const { NestFactory } = byImport ? await import('@nestjs/core') : require('@nestjs/core');
  const { BoxClient } = byImport ? await import('box-node-sdk') : require('box-node-sdk');
  const { BoxAuthModule, BoxTokenProvider } = byImport
    ? await import('nestjs-box-auth')
    : require('nestjs-box-auth');
  const { BoxSdkModule } = byImport
    ? await import('nestjs-box-auth/sdk')
    : require('nestjs-box-auth/sdk');
  const { BoxEmulator } = byImport
    ? await import('nestjs-box-auth/testing')
    : require('nestjs-box-auth/testing');

  const emulator = await BoxEmulator.start();
  class AppModule {}
  const app = await NestFactory.createApplicationContext(
    {
      module: AppModule,
      imports: [
        BoxAuthModule.forRoot({ credentials: { config: emulator.config }, apiUrl: emulator.url }),
        BoxSdkModule,
      ],
    },
    { logger: ['warn', 'error', 'fatal'], abortOnError: false },
  );
  const client = app.get(BoxClient);
  const printMe = async () => {
    process.stdout.write(`BoxClient: ${(await client.users.getUserMe()).name}\n`);
  };
  await printMe();
  await app.get(BoxTokenProvider).runAs('11111', printMe);
  process.stdout.write(`mints: ${emulator.mints}\n`);
  await app.close();
  await emulator.stop();
})();

// An app for Workfront that has installed Nest and nothing else: `node consumer-workfront.cjs import`, or `… require`.
require('reflect-metadata');

const byImport = process.argv[2] === 'import';

void (async () => {
  const { NestFactory } = byImport ? await import('@nestjs/core') : require('@nestjs/core');
  const { WorkfrontAuthModule, WorkfrontFetch, WorkfrontTokenProvider } = byImport
    ? await import('nestjs-box-auth/workfront')
    : require('nestjs-box-auth/workfront');
  const { WorkfrontEmulator } = byImport
    ? await import('nestjs-box-auth/testing')
    : require('nestjs-box-auth/testing');

  const emulator = await WorkfrontEmulator.start();
  const app = await NestFactory.createApplicationContext(
    WorkfrontAuthModule.forRoot({ url: emulator.url, ...emulator.credentials }),
    { logger: ['warn', 'error', 'fatal'], abortOnError: false },
  );
  const { status } = await app.get(WorkfrontFetch)('/attask/api/v17.0/proj/search');
  const { subject } = await app.get(WorkfrontTokenProvider).getToken();
  process.stdout.write(`WorkfrontFetch: ${status}, for a ${subject.type}\n`);
  process.stdout.write(`mints: ${emulator.mints}\n`);
  await app.close();
  await emulator.stop();
})();

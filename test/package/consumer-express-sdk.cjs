// The official SDK in an app that has installed no Nest: `node consumer-express-sdk.cjs import`, or `… require`.
const byImport = process.argv[2] === 'import';

void (async () => {
  const { boxAuth } = byImport
    ? await import('nestjs-box-auth/express')
    : require('nestjs-box-auth/express');
  const { boxClient } = byImport
    ? await import('nestjs-box-auth/express/sdk')
    : require('nestjs-box-auth/express/sdk');
  const { BoxEmulator } = byImport
    ? await import('nestjs-box-auth/testing')
    : require('nestjs-box-auth/testing');

  const emulator = await BoxEmulator.start();
  const box = boxAuth({ credentials: { config: emulator.config }, apiUrl: emulator.url });
  const client = boxClient(box.provider);
  const printMe = async () => {
    process.stdout.write(`boxClient: ${(await client.users.getUserMe()).name}\n`);
  };
  await printMe();
  await box.provider.runAs('11111', printMe);
  process.stdout.write(`mints: ${emulator.mints}\n`);
  box.close();
  await emulator.stop();
})();

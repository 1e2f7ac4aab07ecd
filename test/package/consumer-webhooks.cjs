// A Nest app that receives webhooks: `node consumer-webhooks.cjs import express`, or `… require fastify`.
require('reflect-metadata');
const { Controller, Post } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');

const [, , way, platform] = process.argv;
const byImport = way === 'import';

void (async () => {
  const { BoxWebhook, BoxWebhooksModule, MemoryWebhookDeliveries } = byImport
    ? await import('nestjs-box-auth/webhooks')
    : require('nestjs-box-auth/webhooks');
  const { BoxEmulator } = byImport
    ? await import('nestjs-box-auth/testing')
    : require('nestjs-box-auth/testing');
  const emulator = await BoxEmulator.start();

  class Receiver {
    /** @param {import('nestjs-box-auth/webhooks').BoxWebhookEvent} event */
    receive(event) {
      print(event.trigger);
    }
  }
  const receive = Object.getOwnPropertyDescriptor(Receiver.prototype, 'receive');
  if (receive !== undefined) Post('box')(Receiver.prototype, 'receive', receive);
  BoxWebhook()(Receiver.prototype, 'receive', 0);
  Controller('webhooks')(Receiver);

  class AppModule {}
  const webhooks = BoxWebhooksModule.forRoot({
    ...emulator.webhooks.keys,
    deliveries: new MemoryWebhookDeliveries(),
  });
  const app = await NestFactory.create(
    { module: AppModule, imports: [webhooks], controllers: [Receiver] },
    adapter(),
    { rawBody: true, logger: ['fatal'], abortOnError: false },
  );
  await app.listen(0, '127.0.0.1');
  const address = `${await app.getUrl()}/webhooks/box`;

  const folder = emulator.addFolder({ name: 'Contracts' });
  const target = /** @type {const} */ ({ type: 'folder', id: folder.id });
  emulator.webhooks.add({ target, address, triggers: ['FILE.UPLOADED'] });
  emulator.addFile({ name: 'é/plan.pdf', parentId: folder.id, content: 'The plan' });
  await emulator.webhooks.settled();
  for (const { id } of emulator.webhooks.deliveries) await emulator.webhooks.redeliver(id);
  emulator.webhooks.keys = { primaryKey: 'of a stranger' };
  emulator.addFile({ name: 'other.pdf', parentId: folder.id, content: 'Other' });
  await emulator.webhooks.settled();
  for (const { attempts } of emulator.webhooks.deliveries) {
    print(attempts.map(({ status }) => String(status)).join(', '));
  }

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

/** @param {string} line */
function print(line) {
  process.stdout.write(`${line}\n`);
}

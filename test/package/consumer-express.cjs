// An Express app that has installed no Nest: `node consumer-express.cjs import`, or `… require`.
const events = require('node:events');
const express = require('express');

const byImport = process.argv[2] === 'import';

void (async () => {
  const { boxAuth, boxAuthErrors, boxWebhook } = byImport
    ? await import('nestjs-box-auth/express')
    : require('nestjs-box-auth/express');
  const { boxAuthInterceptor } = byImport
    ? await import('nestjs-box-auth/undici')
    : require('nestjs-box-auth/undici');
  const { attachBoxAuth } = byImport
    ? await import('nestjs-box-auth/express/axios')
    : require('nestjs-box-auth/express/axios');
  const { BoxEmulator } = byImport
    ? await import('nestjs-box-auth/testing')
    : require('nestjs-box-auth/testing');
  const { Agent, request } = require('undici');
  const axios = require('axios');

  const emulator = await BoxEmulator.start();
  const box = boxAuth({
    credentials: { config: emulator.config },
    apiUrl: emulator.url,
    actingUser: (req) => (req.get('x-demo-user') === 'alice' ? '11111' : undefined),
  });
  const http = axios.create({ baseURL: `${emulator.url}/2.0` });
  attachBoxAuth(http, box.provider);
  const dispatcher = new Agent().compose(boxAuthInterceptor(box.provider));

  const app = express();
  app.post('/webhooks', boxWebhook(emulator.webhooks.keys), (req, res) => {
    print(req.boxWebhook.trigger);
    res.sendStatus(204);
  });
  app.use(box);
  app.get('/me', (req, res, next) => {
    (async () => {
      const byFetch = await (await req.box.fetch('/2.0/users/me')).json();
      const { body } = await request(`${emulator.url}/2.0/users/me`, { dispatcher });
      const byAxios = await http.get('/users/me');
      res.json([nameOf(byFetch), nameOf(await body.json()), nameOf(byAxios.data)]);
    })().then(undefined, next);
  });
  app.use(boxAuthErrors({ log: ({ code }) => print(code) }));

  const server = app.listen(0);
  await events.once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const call = (/** @type {Record<string, string>} */ headers) =>
    fetch(`http://127.0.0.1:${port}/me`, { headers });
  print(await (await call({ 'x-demo-user': 'alice' })).text());
  print(String((await call({})).status));
  print(`mints: ${emulator.mints}`);

  const folder = emulator.addFolder({ name: 'Contracts' });
  const target = /** @type {const} */ ({ type: 'folder', id: folder.id });
  emulator.webhooks.add({
    target,
    address: `http://127.0.0.1:${port}/webhooks`,
    triggers: ['FILE.UPLOADED'],
  });
  emulator.addFile({ name: 'é/plan.pdf', parentId: folder.id, content: 'The plan' });
  await emulator.webhooks.settled();
  for (const { state } of emulator.webhooks.deliveries) print(state);

  box.close();
  server.close();
  server.closeAllConnections();
  await dispatcher.close();
  await emulator.stop();
})();

/** @param {unknown} user */
function nameOf(user) {
  return user instanceof Object && 'name' in user ? String(user.name) : JSON.stringify(user);
}

/** @param {string} line */
function print(line) {
  process.stdout.write(`${line}\n`);
}

import express from 'express';
import {
  boxAuth,
  boxAuthErrors,
  type BoxAuthMiddleware,
  boxConnections,
  boxWebhook,
  MemoryWebhookDeliveries,
  type RequestBox,
  verifyBoxWebhook,
} from 'nestjs-box-auth/express';
import { MemoryConnectionVault } from 'nestjs-box-auth/testing';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { Agent } from 'undici';

const box: BoxAuthMiddleware = boxAuth({
  credentials: { configFile: 'config.json' },
  actingUser: (req) => req.get('x-demo-user'),
  via: 'token',
});

export const app = express();
app.post('/webhooks', boxWebhook({ deliveries: new MemoryWebhookDeliveries() }), (req, res) => {
  const { boxWebhook: event } = req;
  res.status(event.trigger === 'FILE.UPLOADED' && event.source.type === 'file' ? 204 : 500).end();
});
export const verify = (body: Uint8Array) =>
  verifyBoxWebhook({ body, headers: {}, primaryKey: 'a' });
app.use(box);
app.get('/me', (req, res, next) => {
  const own: RequestBox = req.box;
  own.fetch('/2.0/users/me').then(async (answer) => res.json(await answer.json()), next);
});
const connections = boxConnections({
  vault: new MemoryConnectionVault(),
  routes: { owner: (req: express.Request) => req.get('x-demo-user') },
});
app.use(connections);
app.get('/account', (req, res, next) => {
  req.boxConnections.get('ann').then((connection) => res.json(connection?.user.name), next);
});
app.use(boxAuthErrors());
export const closed: Promise<void> = connections.close();

export const dispatcher = new Agent().compose(boxAuthInterceptor(box.provider));

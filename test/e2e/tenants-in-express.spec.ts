import axios from 'axios';
import express, { type Request } from 'express';
import { boxAuth, boxAuthErrors } from 'nestjs-box-auth/express';
import { attachBoxAuth } from 'nestjs-box-auth/express/axios';
import { boxClient } from 'nestjs-box-auth/express/sdk';
import { expect, onTestFinished, test } from 'vitest';
import { callBy, clientsOf, seenBy, startBox, visitInterleaved } from './tenant-fixture.js';

const names = ['BoxFetch', 'axios', 'undici', 'SDK', 'getHeaders'];

/** The session of the request: the tests send it as headers. */
const tenantOf = (request: Request) => request.get('x-tenant');
const userOf = (request: Request) => request.get('x-user');

test('Express keeps 20 tenants apart in 1,000 interleaved requests', async () => {
  const box = await startBox();
  const { emulator, enterprises } = box;
  const middleware = boxAuth({
    credentials: { config: emulator.config },
    apiUrl: emulator.url,
    tenants: (enterprise) => enterprises.includes(enterprise),
    tenantRequired: true,
    enterprise: tenantOf,
    logger: false,
    actingUser: userOf,
    optional: true,
  });
  const { provider, fetch: boxFetch } = middleware;
  const attached = axios.create();
  attachBoxAuth(attached, provider);
  const sdk = boxClient(provider);
  const clients = clientsOf(provider, {
    boxFetch,
    axios: { axios: attached },
    sdk,
    apiUrl: emulator.url,
  });
  expect(Object.keys(clients)).toEqual(names);

  const app = express();
  app.use(middleware);
  app.get('/:client', async ({ params }, response) => {
    response.json(await callBy(clients, params.client));
  });
  app.use(boxAuthErrors());
  const server = app.listen(0, '127.0.0.1');
  onTestFinished(() => {
    middleware.close();
    server.closeAllConnections();
    server.close();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;

  await visitInterleaved(
    box,
    { clients: names, identities: ['account', 'header'] },
    (enterprise) => provider.flush({ enterprise }),
    async ({ enterprise, user, client }) => {
      const headers = { 'x-tenant': enterprise, ...(user !== undefined && { 'x-user': user }) };
      return seenBy(await fetch(`${url}/${client}`, { headers }));
    },
  );
});

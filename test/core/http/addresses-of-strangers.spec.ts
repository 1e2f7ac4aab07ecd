import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { Agent, fetch as undiciFetch, getGlobalDispatcher, setGlobalDispatcher } from 'undici';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { type LoopbackServer, startServer } from '../../support/loopback-server.js';

let box: BoxEmulator;
let stranger: LoopbackServer;
let auth: BoxAuth;
const agents = [new Agent(), new Agent()] as const;
const before = getGlobalDispatcher();
beforeAll(async () => {
  box = await BoxEmulator.start();
  stranger = await startServer((_, response) => {
    response.writeHead(302, { location: `${box.url}/2.0/users/me` }).end();
  });
  auth = new BoxAuth({ credentials: { config: box.config }, apiUrl: box.url });
});
beforeEach(() => {
  box.clearRequests();
  setGlobalDispatcher(agents[0].compose(boxAuthInterceptor(auth.provider)));
});
afterEach(() => setGlobalDispatcher(before));
afterAll(async () => {
  auth.close();
  await Promise.all([...agents.map((agent) => agent.destroy()), box.stop(), stranger.stop()]);
});

it('A redirect to Box gets a token from the global dispatcher, which cannot see that it is a redirect', async () => {
  expect((await undiciFetch(stranger.url)).status).toBe(200);
});

it('A redirect to Box gets no token from its own dispatcher', async () => {
  expect((await undiciFetch(stranger.url, { dispatcher: agents[1] })).status).toBe(401);
  expect(box.apiRequests[0]?.headers).not.toHaveProperty('authorization');
});

it('A redirect to Box gets no token from BoxFetch', async () => {
  setGlobalDispatcher(before);
  expect((await auth.fetch(stranger.url)).status).toBe(401);
});

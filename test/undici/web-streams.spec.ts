import * as undici from 'undici';
import * as undici6 from 'undici6';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { type LoopbackServer, startServer } from '../support/loopback-server.js';

let server: LoopbackServer;
let box: BoxAuth;
let agent: undici.Agent;
beforeEach(async () => {
  server = await startServer(({ path }, response) => {
    if (path === '/done') response.end();
    else response.writeHead(307, { location: '/done' }).end();
  });
  box = new BoxAuth({ credentials: { accessToken: 'first' }, apiUrl: server.url });
});
afterEach(async () => {
  await agent.destroy();
  box.close();
  await server.stop();
});

const versions: [string, typeof undici][] = [
  ['undici 6', undici6 as unknown as typeof undici],
  ['undici 7', undici],
];

describe.each(versions)('A web stream that %s sends', (_, { Agent, interceptors, request }) => {
  describe.each<[string, (dispatcher: undici.Dispatcher) => undici.Dispatcher]>([
    ['without tokens', (dispatcher) => dispatcher],
    ['with tokens', (dispatcher) => dispatcher.compose(boxAuthInterceptor(box.provider))],
  ])('%s', (__, compose) => {
    const send = async (path: string, body: ReadableStream) => {
      agent = new Agent();
      const dispatcher = compose(agent).compose(interceptors.redirect({ maxRedirections: 1 }));
      const response = await request(server.url + path, {
        method: 'PUT',
        body: body as never, // undici 6 and 7 send it, but their types do not list it
        dispatcher,
      });
      await response.body.dump();
      return response.statusCode;
    };

    it('is unlocked when it has ended', async () => {
      const body = new Blob(['hello']).stream();
      expect(await send('/done', body)).toBe(200);
      expect(body.locked).toBe(false);
    });

    it('is unlocked when it has failed', async () => {
      const body = new ReadableStream({
        pull: (controller) => controller.error(new Error('the disk is broken')),
      });
      await expect(send('/done', body)).rejects.toThrow('the disk is broken');
      expect(body.locked).toBe(false);
    });

    it('is not an error of a redirect', async () => {
      expect(await send('/moved', new Blob(['hello']).stream())).toBe(200);
    });
  });
});

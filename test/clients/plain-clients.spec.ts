import axios from 'axios';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Agent, interceptors, request } from 'undici';
import { type LoopbackServer, startServer } from '../support/loopback-server.js';

let foreign: LoopbackServer;
let box: LoopbackServer;
beforeAll(async () => {
  foreign = await startServer((_, response) => response.end('file'));
  box = await startServer((_, response) => {
    response.writeHead(302, { location: `${foreign.url}/file` }).end();
  });
});
afterAll(() => Promise.all([foreign.stop(), box.stop()]));
beforeEach(() => void foreign.arrived.splice(0));

const headers = { authorization: 'Bearer token', 'as-user': '11111' };
const clients: Record<string, (url: string) => Promise<unknown>> = {
  axios: (url) => axios.get(url, { headers }),
  fetch: (url) => fetch(url, { headers }),
  undici: (url) => {
    const dispatcher = new Agent().compose(interceptors.redirect({ maxRedirections: 5 }));
    return request(url, { headers, dispatcher });
  },
};

describe('The leak that this package prevents', () => {
  it.each(Object.entries(clients))('is real: %s alone forwards as-user', async (_, get) => {
    await get(`${box.url}/2.0/files/1/content`);
    expect(foreign.arrived).toHaveLength(1);
    expect(foreign.arrived[0]?.headers).toHaveProperty('as-user', '11111');
    expect(foreign.arrived[0]?.headers).not.toHaveProperty('authorization');
  });
});

import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import axios from 'axios';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Agent, request } from 'undici';
import { attachBoxAuth } from 'nestjs-box-auth/axios';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { withOpenssl } from '../../support/keys.js';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { ScriptedEndpoint } from '../../support/scripted-endpoint.js';
import { thrownBy } from '../../support/thrown.js';

const { key, cert } = withOpenssl((openssl, read) => {
  openssl(
    'req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj /CN=127.0.0.1 -days 2',
  );
  return { key: read('key.pem'), cert: read('cert.pem') };
});

/** Somebody who answers in the name of Box, with a certificate that nobody has signed. */
let server: Server;
let url: string;
let requests = 0;
beforeAll(async () => {
  server = createServer({ key, cert }, (_, response) => {
    requests += 1;
    response.end('{}');
  }).on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});
beforeEach(() => {
  requests = 0;
});

const credentials = { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' };

/** An app that has a token, and calls that server. */
function appWithToken(): BoxAuth {
  const endpoint = new ScriptedEndpoint(new FakeRuntime());
  const send = ((input: URL | string, init: RequestInit) =>
    String(input).endsWith('/oauth2/token')
      ? endpoint.fetch(String(input), init)
      : fetch(input, init)) as typeof fetch;
  return new BoxAuth({ credentials, apiUrl: url, fetch: send });
}

const calls: Record<string, (box: BoxAuth) => Promise<unknown>> = {
  BoxFetch: (box) => box.fetch('/2.0/users/me'),
  axios: (box) => {
    const instance = axios.create({ baseURL: url });
    attachBoxAuth(instance, box.provider);
    return instance.get('/2.0/users/me');
  },
  'axios over fetch': (box) => {
    const instance = axios.create({ baseURL: url, adapter: 'fetch' });
    attachBoxAuth(instance, box.provider);
    return instance.get('/2.0/users/me');
  },
  undici: async (box) => {
    const dispatcher = new Agent().compose(boxAuthInterceptor(box.provider));
    return request(`${url}/2.0/users/me`, { dispatcher });
  },
};

describe('A server with an untrusted certificate', () => {
  it('is sent no client secret by a token request', async () => {
    const box = new BoxAuth({ credentials, apiUrl: url });
    const error = await thrownBy(() => box.provider.getToken());
    expect(error).toMatchObject({ code: 'network', retryable: false });
    expect(requests).toBe(0);
  });

  it.each(Object.entries(calls))('is sent no token by %s', async (_, call) => {
    await expect(call(appWithToken())).rejects.toThrow(
      /self-signed certificate|fetch failed|Network Error/,
    );
    expect(requests).toBe(0);
  });
});

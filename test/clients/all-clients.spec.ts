import axios, { AxiosHeaders } from 'axios';
import { BoxClient } from 'box-node-sdk';
import { NetworkSession } from 'box-node-sdk/networking';
import fc from 'fast-check';
import { Dispatcher, interceptors } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { BoxSdkAuthentication, BoxSdkNetworkClient } from 'nestjs-box-auth/sdk';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { attachToAxios } from '../../lib/axios/axios-authorization.js';

/** What reached the network: nothing does in truth, so that every host there is can be called. */
interface Sent {
  readonly url: string;
  readonly authorization: string | undefined;
  readonly asUser: string | undefined;
}

const TOKEN = 'the-token-of-all';
const sent: Sent[] = [];
/** Addresses that redirect, and where to. */
const redirects = new Map<string, string>();
const record = (url: string, headers: { get(name: string): unknown }): void => {
  const value = (name: string) => {
    const found = headers.get(name);
    return typeof found === 'string' ? found : undefined;
  };
  sent.push({ url, authorization: value('authorization'), asUser: value('as-user') });
};

const box = new BoxAuth({
  credentials: { developerToken: TOKEN },
  apiUrl: 'https://box-proxy.example.com:8443/box',
  origins: ['http://localhost:4000', 'https://box.example.org'],
  fetch: (input, init) => {
    record(String(input), new Headers(init?.headers));
    const location = redirects.get(String(input));
    return Promise.resolve(
      location === undefined
        ? Response.json({})
        : new Response(null, { status: 302, headers: { location } }),
    );
  },
});

const instance = axios.create({
  adapter: (config) => {
    const url = axios.getUri(config);
    record(url, config.headers);
    const location = redirects.get(url);
    if (location !== undefined) {
      const hop = { href: location, headers: { ...config.headers } };
      config.beforeRedirect?.(
        hop,
        { headers: {}, statusCode: 302 },
        { headers: {}, url, method: 'GET' },
      );
      record(location, new AxiosHeaders(hop.headers));
    }
    const { headers } = new AxiosHeaders() as unknown as { headers: AxiosHeaders };
    return Promise.resolve({ data: {}, status: 200, statusText: 'OK', headers, config });
  },
});
attachToAxios(instance, box.policy, box.fetch);

/** A dispatcher that responds itself, without a network. */
class Recording extends Dispatcher {
  override dispatch(
    { origin, path, headers }: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): boolean {
    record(`${String(origin)}${path}`, new Headers(headers as Record<string, string>));
    const controller = { abort: () => undefined } as unknown as Dispatcher.DispatchController;
    const location = redirects.get(`${String(origin)}${path}`);
    handler.onRequestStart?.(controller, {});
    if (location === undefined) handler.onResponseStart?.(controller, 200, {}, 'OK');
    else handler.onResponseStart?.(controller, 302, { location }, 'Found');
    handler.onResponseEnd?.(controller, {});
    return true;
  }
}
const dispatcher = new Recording().compose(boxAuthInterceptor(box.provider));
const redirecting = dispatcher.compose(interceptors.redirect({ maxRedirections: 5 }));

const client = new BoxClient({
  auth: new BoxSdkAuthentication(box.provider),
  networkSession: new NetworkSession({ networkClient: new BoxSdkNetworkClient(box.provider) }),
});

/** Each as its users call it, with an address that is as they wrote it. */
const clients: Record<string, (url: string) => Promise<unknown>> = {
  BoxFetch: (url) => box.fetch(url),
  axios: (url) => instance.get(url),
  undici: (url) => dispatcher.request({ ...parts(url), method: 'GET' }),
  'the SDK': (url) => client.makeRequest({ method: 'GET', url }),
};

/** As undici's own `request` takes an address apart. */
function parts(address: string): { origin: string; path: string } {
  const url = new URL(address);
  return { origin: url.origin, path: `${url.pathname}${url.search}` };
}

/** What a call to `url` as Bob carries, by each front. */
async function carried(url: string): Promise<Record<string, string>> {
  const result: Record<string, string> = {};
  for (const [name, call] of Object.entries(clients)) {
    sent.length = 0;
    await box.provider.runAs('22222', () => call(url));
    expect(sent, `${name} sends one request`).toHaveLength(1);
    const [{ authorization, asUser } = {}] = sent;
    if (authorization === undefined && asUser === undefined) result[name] = 'nothing';
    else if (authorization === `Bearer ${TOKEN}` && asUser === '22222') result[name] = 'both';
    else result[name] = `${authorization} ${asUser}`;
  }
  return result;
}

const all = (what: 'both' | 'nothing', except: Record<string, string> = {}) => ({
  ...Object.fromEntries(Object.keys(clients).map((name) => [name, what])),
  ...except,
});

describe('Every client', () => {
  it.each([
    ['the API', 'https://api.box.com/2.0/users/me'],
    ['its default port', 'https://api.box.com:443/2.0/users/me'],
    ['upper case', 'HTTPS://API.BOX.COM/2.0/users/me'],
    ['uploads', 'https://upload.box.com/api/2.0/files/content'],
    ['uploads of the web app', 'https://upload.app.box.com/api/2.0/files/content'],
    ['regional uploads', 'https://upload-las.app.box.com/api/2.0/files/upload_sessions/1'],
    ['uploads of verified enterprises', 'https://upload.ent.box.com/api/2.0/files/content'],
    ['uploads of a Box Zone', 'https://upload.de-1.box.com/api/2.0/files/content'],
    [
      'the content of a representation',
      'https://dl.boxcloud.com/api/2.0/internal_files/1/versions/2/representations/jpg_paged_1024x1024/content/1.jpg?watermark=1',
    ],
    [
      'the content of a representation in one part',
      'https://dl.boxcloud.com/api/2.0/internal_files/1/versions/2/representations/pdf/content/',
    ],
    ['apiUrl', 'https://box-proxy.example.com:8443/box/2.0/users/me'],
    ['an origin that was added', 'https://box.example.org/2.0/users/me'],
    ['loopback, over plain http, if it was added', 'http://localhost:4000/2.0/users/me'],
    ['a host in full-width letters, which is the same one', 'https://ａｐｉ.box.com/2.0/users/me'],
    ['a path with an address in it', 'https://api.box.com/2.0/x?to=https://evil.example/'],
    ['an @ in the path', 'https://api.box.com/@evil.example/'],
  ])('adds both headers to a call to %s', async (_, url) => {
    expect(await carried(url)).toEqual(all('both'));
  });

  it.each([
    ['another host', 'https://evil.example/2.0/users/me'],
    ['another port', 'https://api.box.com:8443/2.0/users/me'],
    ['another port of apiUrl', 'https://box-proxy.example.com/box/2.0/users/me'],
    ['plain http', 'http://api.box.com/2.0/users/me'],
    ['http on the port of https', 'http://api.box.com:443/2.0/users/me'],
    ['loopback on another port', 'http://localhost:4001/2.0/users/me'],
    ['a trailing dot', 'https://api.box.com./2.0/users/me'],
    ['a suffix', 'https://api.box.com.evil.example/'],
    ['a prefix', 'https://evil-api.box.com.example/'],
    ['a lookalike', 'https://evilbox.com/'],
    ['a lookalike with the same beginning', 'https://api.box.comevil.example/'],
    ['a sibling', 'https://dl.box.com/'],
    ['a subdomain', 'https://x.api.box.com/'],
    ['the parent', 'https://box.com/'],
    ['the login pages', 'https://account.box.com/'],
    ['downloads', 'https://dl.boxcloud.com/d/1/abc/download'],
    ['an app domain that is no upload host', 'https://acme.app.box.com/'],
    ['an upload host below another', 'https://upload.evil.app.box.com/'],
    ['a regional upload host on another port', 'https://upload-las.app.box.com:8443/'],
    ['a regional upload host over http', 'http://upload-las.app.box.com/'],
    ['an upload host below a zone', 'https://upload.de.evil.box.com/'],
    ['an upload host without a zone', 'https://upload..box.com/'],
    ['a lookalike of a zone', 'https://upload.de.box.com.evil.example/'],
    ['a lookalike of its domain', 'https://upload.de-box.com/'],
    ['a lookalike of an upload host', 'https://xupload.ent.box.com/'],
    ['an upload host of a zone over http', 'http://upload.ent.box.com/'],
    ['an upload host of a zone on another port', 'https://upload.ent.box.com:8443/'],
    ['a zip file', 'https://dl.boxcloud.com/2.0/zip_downloads/1/content'],
    ['a representation over http', 'http://dl.boxcloud.com/api/2.0/internal_files/1'],
    ['a representation on another port', 'https://dl.boxcloud.com:8443/api/2.0/internal_files/1'],
    ['a representation on another host', 'https://dl2.boxcloud.com/api/2.0/internal_files/1'],
    ['the folder of representations', 'https://dl.boxcloud.com/api/2.0/internal_files'],
    ['the same with a slash', 'https://dl.boxcloud.com/api/2.0/internal_files/'],
    ['a path with the same beginning', 'https://dl.boxcloud.com/api/2.0/internal_files_x/1'],
    ['upper case in the path', 'https://dl.boxcloud.com/API/2.0/internal_files/1'],
    ['dots that leave the folder', 'https://dl.boxcloud.com/api/2.0/internal_files/../d/1'],
    ['the same, encoded', 'https://dl.boxcloud.com/api/2.0/internal_files/%2e%2E/d/1'],
    ['the same, with an encoded slash', 'https://dl.boxcloud.com/api/2.0/internal_files/..%2fd/1'],
    ['the same, encoded twice', 'https://dl.boxcloud.com/api/2.0/internal_files/%252e%252e/d/1'],
    ['the same, with a parameter', 'https://dl.boxcloud.com/api/2.0/internal_files/..;/d/1'],
    ['the same, with a backslash', 'https://dl.boxcloud.com/api/2.0/internal_files/..\\d/1'],
    ['an encoded backslash', 'https://dl.boxcloud.com/api/2.0/internal_files/1%5c..%5cd'],
    ['a double slash', 'https://dl.boxcloud.com/api/2.0/internal_files//1'],
    ['a double slash before it', 'https://dl.boxcloud.com//api/2.0/internal_files/1'],
    ['a NUL', 'https://dl.boxcloud.com/api/2.0/internal_files/1%00'],
    ['a folder above', 'https://dl.boxcloud.com/x/api/2.0/internal_files/1'],
    ['an IDN that looks the same', 'https://аpi.box.com/'], // a Cyrillic а
    ['the same in punycode', 'https://xn--pi-6kc.box.com/'],
    ['IPv4', 'https://203.0.113.7/'],
    ['IPv4 as a number', 'https://3405803783/'],
    ['IPv6', 'https://[2001:db8::1]/'],
    ['IPv6 that is IPv4', 'https://[::ffff:203.0.113.7]/'],
    ['the token endpoint', 'https://api.box.com/oauth2/token'],
    ['the token endpoint, written oddly', 'https://api.box.com//oauth2/%74oken/'],
    ['the token endpoint of apiUrl', 'https://box-proxy.example.com:8443/box/oauth2/token'],
    ['revocation', 'https://api.box.com/oauth2/revoke?x=1'],
  ])('adds nothing to a call to %s', async (_, url) => {
    expect(await carried(url)).toEqual(all('nothing'));
  });

  it.each([
    'https://user:pass@api.box.com/2.0/users/me',
    'https://user@api.box.com/2.0/users/me',
    'https://api.box.com@evil.example/2.0/users/me',
    'https://api.box.com:443@evil.example/',
  ])('adds nothing to a call with user info: %s', async (url) => {
    const { BoxFetch, axios: byAxios, 'the SDK': bySdk } = clients;
    for (const call of [BoxFetch, byAxios, bySdk]) {
      sent.length = 0;
      await box.provider.runAs('22222', async () => call?.(url));
      expect(sent).toMatchObject([{ authorization: undefined, asUser: undefined }]);
    }
    // undici's own `request` leaves user-info behind: what it calls then is that host, and no other.
    expect((await carried(parts(url).origin + parts(url).path))['undici']).toBe(
      url.includes('evil') ? 'nothing' : 'both',
    );
  });
});

describe('A redirect to the content of a representation', () => {
  const content = 'https://dl.boxcloud.com/api/2.0/internal_files/1/content/1.jpg';
  const following = {
    ...clients,
    undici: (url: string) => redirecting.request({ ...parts(url), method: 'GET' }),
  };
  afterEach(() => redirects.clear());

  it.each([
    ['Box', 'https://api.box.com/2.0/files/1/content'],
    ['the content of another', 'https://dl.boxcloud.com/api/2.0/internal_files/2/content/'],
  ])('from %s gets nothing from any client', async (_, url) => {
    redirects.set(url, content);
    for (const [name, call] of Object.entries(following)) {
      sent.length = 0;
      await box.provider.runAs('22222', () => call(url));
      expect(sent, name).toEqual([
        { url, authorization: `Bearer ${TOKEN}`, asUser: '22222' },
        { url: content, authorization: undefined, asUser: undefined },
      ]);
    }
  });
});

describe('A generated address', () => {
  const oneOf = <T>(...values: T[]) => fc.constantFrom(...values);
  /** A host, and whether it is one of Box in truth. */
  const boxHost = fc.oneof(
    oneOf('api.box.com', 'upload.box.com', 'upload.app.box.com', 'box.example.org').map((name) => ({
      name,
      isBox: true,
    })),
    fc
      .stringMatching(/^[a-z]{1,8}$/)
      .map((region) => ({ name: `upload-${region}.app.box.com`, isBox: true })),
  );
  const otherHost = fc.oneof(
    fc.domain().map((name) => ({ name, isBox: false })),
    oneOf('api.box.com', 'upload.box.com', 'app.box.com')
      .chain((name) => fc.domain().map((domain) => [`${name}.${domain}`, `${domain}.${name}`]))
      .chain((names) => oneOf(...names))
      .map((name) => ({ name, isBox: false })),
    oneOf('apibox.com', 'api.boxx.com', 'api-box.com', 'box.com', 'app.box.com', 'localhost').map(
      (name) => ({ name, isBox: false }),
    ),
    fc.ipV4().map((name) => ({ name, isBox: false })),
    fc.ipV6().map((name) => ({ name: `[${name}]`, isBox: false })),
  );
  const host = fc.oneof(boxHost, otherHost);
  const addresses = fc.record({
    scheme: oneOf('https', 'https', 'https', 'http', 'HTTPS', 'Http'),
    userInfo: oneOf('', '', '', 'user@', 'user:pass@', 'api.box.com@', ':@'),
    host,
    isShouted: fc.boolean(),
    dot: oneOf('', '', '', '.'),
    port: oneOf('', '', ':443', ':80', ':8443', ':1'),
    path: fc.oneof(
      oneOf('', '/', '/2.0/users/me', '/2.0/files/1/content', '/oauth2/authorize', '/oauth2'),
      fc.webPath(),
      oneOf('/oauth2/token', '/oauth2/revoke', '/x/oauth2/token', '/oauth2/token/'),
    ),
    query: oneOf('', '?a=b', '?url=https://evil.example/', '#@evil.example', '?/oauth2/token'),
  });

  it('gets the headers from all clients if it is allowed, and from none if not, 10,000 times', async () => {
    let allowed = 0;
    await fc.assert(
      fc.asyncProperty(addresses, async (given) => {
        const {
          scheme,
          userInfo,
          host: { name, isBox },
          isShouted,
          dot,
          port,
          path,
          query,
        } = given;
        const written = `${isShouted ? name.toUpperCase() : name}${dot}`;
        const url = `${scheme}://${userInfo}${written}${port}${path}${query}`;
        if (!URL.canParse(url)) return;
        // What is known of the parts, without reading the address.
        const expected =
          isBox &&
          scheme.toLowerCase() === 'https' &&
          (userInfo === '' || userInfo === ':@') &&
          dot === '' &&
          (port === '' || port === ':443') &&
          !/\/oauth2\/(?:token|revoke)\/?$/.test(path);
        if (expected) allowed += 1;
        const result = await carried(url);
        const { undici: byUndici, ...others } = result;
        const what = expected ? 'both' : 'nothing';
        expect(Object.values(others), url).toEqual([what, what, what]);
        // undici never sees the user-info: it does not send it.
        if (userInfo === '') expect(byUndici, url).toBe(what);
      }),
      { numRuns: 10_000 },
    );
    // Some 800 of them: it is no test of refusals only.
    expect(allowed).toBeGreaterThan(100);
  });
});

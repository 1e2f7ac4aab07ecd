import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { directFetch, globalFetch, proxyRefusal } from '../../../lib/core/http/env-proxy.js';

const NAMES = ['HTTP_PROXY', 'http_proxy', 'NO_PROXY', 'no_proxy'];
beforeEach(() => {
  for (const name of NAMES) vi.stubEnv(name, undefined);
  vi.stubEnv('HTTP_PROXY', 'http://proxy.example:3128');
});
afterEach(() => vi.unstubAllEnvs());

const LOOPBACK = 'http://127.0.0.1:4000/';
const isRefused = (url = LOOPBACK, send?: typeof fetch) =>
  proxyRefusal(new URL(url), send) !== undefined;

describe('A proxy of the environment', () => {
  it('refuses a plain-http call to loopback, with the origin and the exemption', () => {
    expect(proxyRefusal(new URL('http://localhost:4000/oauth2/token?a=b'))).toMatchObject({
      code: 'option_invalid',
      message:
        'The call to http://localhost:4000 was not sent: HTTP_PROXY names a proxy, which would see its secrets in clear text.',
      hint: 'Add localhost to NO_PROXY.',
      docs: expect.stringMatching(/^https:\/\/undici\./) as string,
    });
  });

  it.each(['https://127.0.0.1/', 'http://example.com/', 'https://api.box.com/'])(
    'does not affect a call to %s',
    (url) => {
      expect(isRefused(url)).toBe(false);
    },
  );

  it.each(['HTTP_PROXY', 'http_proxy'])('is read from %s', (name) => {
    vi.stubEnv('HTTP_PROXY', undefined);
    expect(isRefused()).toBe(false);
    vi.stubEnv(name, 'http://proxy.example:3128');
    expect(isRefused()).toBe(true);
  });

  it('is absent when http_proxy is empty', () => {
    vi.stubEnv('http_proxy', '');
    expect(isRefused()).toBe(false);
  });
});

describe('NO_PROXY', () => {
  it.each([
    '*',
    '127.0.0.1',
    '127.0.0.1:4000',
    'a.example, 127.0.0.1',
    'a.example,127.0.0.1',
    '127.0.0.1 b.example',
    '0.0.1',
    '.0.0.1',
    '*.0.0.1',
  ])('exempts 127.0.0.1:4000 when it is %j', (noProxy) => {
    vi.stubEnv('NO_PROXY', noProxy);
    expect(isRefused()).toBe(false);
  });

  it.each([
    '',
    ',',
    '.',
    '*,',
    ':4000',
    'localhost',
    '127.0.0.1:4001',
    '127.0.0.1:400',
    '127.0.0.1:40000',
    '7.0.0.1',
    '.0.0.2',
    '127.0.0',
    'x127.0.0.1',
    'x.127.0.0.1',
    'example.com',
  ])('does not exempt 127.0.0.1:4000 when it is %j', (noProxy) => {
    vi.stubEnv('NO_PROXY', noProxy);
    expect(isRefused()).toBe(true);
  });

  it('exempts names in any case, IPv6 in brackets, and port 80 when a URL has none', () => {
    vi.stubEnv('NO_PROXY', 'LocalHost:80,[::1]');
    expect(isRefused('http://localhost/')).toBe(false);
    expect(isRefused('http://localhost:81/')).toBe(true);
    expect(isRefused('http://[::1]:4000/')).toBe(false);
  });

  it('yields to no_proxy, even if that is empty', () => {
    vi.stubEnv('NO_PROXY', '127.0.0.1').stubEnv('no_proxy', '');
    expect(isRefused()).toBe(true);
    vi.stubEnv('NO_PROXY', '').stubEnv('no_proxy', '127.0.0.1');
    expect(isRefused()).toBe(false);
  });
});

describe('The global fetch', () => {
  const dispatcherOf = (version: string) => Symbol.for(`undici.globalDispatcher.${version}`);
  const withDispatcher = <T>(version: string, dispatcher: unknown, fn: () => T): T => {
    const before: unknown = Reflect.get(globalThis, dispatcherOf(version));
    Object.assign(globalThis, { [dispatcherOf(version)]: dispatcher });
    try {
      return fn();
    } finally {
      if (before === undefined) Reflect.deleteProperty(globalThis, dispatcherOf(version));
      else Object.assign(globalThis, { [dispatcherOf(version)]: before });
    }
  };
  const proxyAgent = { [Symbol('no proxy agent')]: true };

  it.each(['1', '2'])('is refused when global dispatcher %s is a proxy agent', (version) => {
    expect(isRefused(LOOPBACK, globalFetch)).toBe(false);
    withDispatcher(version, proxyAgent, () => {
      expect(isRefused(LOOPBACK, globalFetch)).toBe(true);
    });
  });

  it.each([{}, { [Symbol('factory')]: 1, [Symbol()]: 2 }, 'no proxy agent', null])(
    'is not refused when its dispatcher is %o',
    (dispatcher) => {
      withDispatcher('2', dispatcher, () => {
        expect(isRefused(LOOPBACK, globalFetch)).toBe(false);
      });
    },
  );

  it('is looked up at each call', async () => {
    const replaced = vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response('replaced'));
    const response = await globalFetch('http://example.com/', { method: 'PUT' });
    expect(await response.text()).toBe('replaced');
    expect(replaced).toHaveBeenCalledWith('http://example.com/', { method: 'PUT' });
    replaced.mockRestore();
  });
});

describe('directFetch', () => {
  it('sends no request that a proxy would read', async () => {
    const send = vi.fn<typeof fetch>();
    const refused = directFetch(send)(LOOPBACK, { method: 'POST' });
    await expect(refused).rejects.toMatchObject({ code: 'option_invalid' });
    expect(send).not.toHaveBeenCalled();
  });

  it('sends other requests unchanged', async () => {
    const response = new Response('ok');
    const send = vi.fn<typeof fetch>(async () => response);
    const init = { method: 'POST' };
    expect(await directFetch(send)('https://api.box.com/oauth2/token', init)).toBe(response);
    expect(send).toHaveBeenCalledWith('https://api.box.com/oauth2/token', init);
  });
});

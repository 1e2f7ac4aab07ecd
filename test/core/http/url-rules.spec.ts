import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import {
  isLoopback,
  mayCarryToken,
  mayCarryTokenTo,
  mayFollowWithToken,
} from '../../../lib/core/http/url-rules.js';

const rules = {
  origins: new Set([
    'https://api.example.com',
    'https://proxy.example.com:8443',
    'http://localhost:4000',
    'http://127.0.0.1:4000',
    'http://[::1]:4000',
    // Listing these is a mistake: a token must never travel in clear text.
    'http://plain.example.com',
    'ws://localhost:4000',
  ]),
  hosts: /^(?:upload-[a-z]+\.example\.com|localhost)$/,
  paths: new Map([['https://files.example.com', /^\/content\//]]),
  exceptPaths: /\/oauth2\/token\/?$/,
  advice: { hint: '', docs: '' },
};
const mayCarry = (url: string) => mayCarryToken(new URL(url), rules);

describe('A token goes', () => {
  it.each([
    ['to an origin that is listed', 'https://api.example.com/2.0/x?y=z#w'],
    ['to its default port, written out', 'https://api.example.com:443/2.0/x'],
    ['to an origin with a port of its own', 'https://proxy.example.com:8443/x'],
    ['over plain http to this machine', 'http://localhost:4000/x'],
    ['over plain http to its IPv4', 'http://127.0.0.1:4000/x'],
    ['over plain http to its IPv6', 'http://[::1]:4000/x'],
    ['to a host that fits', 'https://upload-eu.example.com/x'],
    ['to a path that only looks like percent-encoding', 'https://api.example.com/100%/x'],
    ['to a path below an excepted one', 'https://api.example.com/oauth2/token/info'],
    ['to a path that is listed', 'https://files.example.com/content/1?x=y'],
  ])('%s: %s', (_, url) => {
    expect(mayCarry(url)).toBe(true);
  });

  it('along a redirect to an origin that is listed', () => {
    expect(mayFollowWithToken(new URL('https://api.example.com/2.0/x'), rules)).toBe(true);
  });
});

describe('No token goes', () => {
  it.each([
    ['to another origin', 'https://evil.example/'],
    ['to another port of one that is listed', 'https://api.example.com:8443/'],
    ['to the default port of one that is listed with another', 'https://proxy.example.com/'],
    ['to a user', 'https://user@api.example.com/'],
    ['to a password', 'https://:password@api.example.com/'],
    ['to a user with a password', 'https://user:password@api.example.com/'],
    ['to a user at a host that fits', 'https://user@upload-eu.example.com/'],
    ['over plain http to another machine, though it is listed', 'http://plain.example.com/'],
    ['by another protocol to this machine, though it is listed', 'ws://localhost:4000/'],
    ['over plain http to a host that fits', 'http://upload-eu.example.com/'],
    ['over plain http to this machine, where it is a host that fits', 'http://localhost/'],
    ['to another port of a host that fits', 'https://upload-eu.example.com:8443/'],
    ['to an excepted path', 'https://api.example.com/oauth2/token'],
    ['to another path of a listed one', 'https://files.example.com/x/content/1'],
    ['to a listed path of another port', 'https://files.example.com:8443/content/1'],
    ['to a listed path over plain http', 'http://files.example.com/content/1'],
    ['to a user at a listed path', 'https://user@files.example.com/content/1'],
    ['to an excepted path below a listed one', 'https://files.example.com/content/oauth2/token'],
    ['to an excepted path, written oddly', 'https://api.example.com//oauth2\\%54oken/'],
    ['to an excepted path with a slash too many', 'https://api.example.com/oauth2//token'],
    ['to an excepted path of a host that fits', 'https://upload-eu.example.com/oauth2/token'],
    ['to an excepted path of this machine', 'http://localhost:4000/OAUTH2/token'],
  ])('%s: %s', (_, url) => {
    expect(mayCarry(url)).toBe(false);
  });

  it.each([
    ['to a path that is listed', 'https://files.example.com/content/1'],
    ['to another origin', 'https://evil.example/'],
    ['to a user', 'https://user@api.example.com/'],
    ['to an excepted path', 'https://api.example.com/oauth2/token'],
  ])('along a redirect %s: %s', (_, url) => {
    expect(mayFollowWithToken(new URL(url), rules)).toBe(false);
  });

  it('to further hosts without a pattern', () => {
    const { origins, exceptPaths, advice } = rules;
    const only = { origins, exceptPaths, advice };
    expect(mayCarryToken(new URL('https://upload-eu.example.com/x'), only)).toBe(false);
    expect(mayCarryToken(new URL('https://api.example.com/x'), only)).toBe(true);
  });
});

describe('This machine', () => {
  it.each(['localhost', '127.0.0.1', '127.0.0.2', '127.255.255.254', '[::1]'])(
    'is the host of %s',
    (hostname) => {
      expect(isLoopback(hostname)).toBe(true);
    },
  );

  it.each([
    'localhost.example',
    'notlocalhost',
    '127.0.0.1.example',
    'x127.0.0.1',
    '128.0.0.1',
    '10.127.0.1',
    '[::2]',
    '0.0.0.0',
    '',
  ])('is not the host of %j', (hostname) => {
    expect(isLoopback(hostname)).toBe(false);
  });
});

describe('A path at an origin', () => {
  const origins = ['https://api.example.com', 'https://files.example.com', 'http://127.0.0.1:4000'];
  const names = ['content', 'oauth2', 'OAuth2', 'token', 'tok\ten', '%74oken', '1.jpg', 'ä', 'a b'];
  const marks = [
    '',
    '.',
    '..',
    '.x',
    '%2e%2e',
    '..;',
    '\\',
    '100%',
    '?',
    '?x',
    '#',
    '#x',
    ':',
    '~x',
  ];
  const segment = fc.constantFrom(...names, ...marks);
  const path = fc.array(segment, { minLength: 1, maxLength: 6 }).map((all) => `/${all.join('/')}`);

  it('gets a token if the URL of both does', () => {
    const results = new Set<boolean>();
    fc.assert(
      fc.property(fc.constantFrom(...origins), path, (origin, to) => {
        const expected = mayCarry(origin + to);
        results.add(expected);
        expect(mayCarryTokenTo(to, new URL(origin), rules)).toBe(expected);
      }),
      { numRuns: 20_000 },
    );
    expect(results.size).toBe(2);
  });

  it.each(['/2.0/users/me', '/2.0/users/me?fields=id,name#x', '/content/', '/'])(
    'is not parsed if it is plain: %s',
    (plain) => {
      const parse = vi.spyOn(globalThis, 'URL');
      const base = new URL('https://api.example.com');
      parse.mockClear();
      mayCarryTokenTo(plain, base, rules);
      expect(parse).not.toHaveBeenCalled();
      mayCarryTokenTo(`/x/..${plain}`, base, rules);
      expect(parse).toHaveBeenCalledOnce();
      parse.mockRestore();
    },
  );
});

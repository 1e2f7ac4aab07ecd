import { describe, expect, it } from 'vitest';
import type { OutgoingRequest } from '../../../lib/core/http/outgoing-request.js';
import { replayableBody } from '../../../lib/core/http/replayable-body.js';
import { nextHop } from '../../../lib/core/http/redirect.js';

// The rules are those of https://fetch.spec.whatwg.org/#http-redirect-fetch.

const FROM = new URL('https://api.example.com/2.0/folders/0?limit=5');

const BODY = replayableBody('hello', 0);

const call = (more: Partial<OutgoingRequest> = {}): OutgoingRequest => ({
  method: 'GET',
  headers: new Headers(),
  redirect: 'follow',
  body: null,
  ...more,
});
const answer = (status: number, location?: string) =>
  new Response(null, { status, headers: location === undefined ? {} : { location } });
/** Where a redirect to `location` leads to. */
const leadsTo = (location: string) => nextHop(FROM, call(), answer(302, location))?.url.href;

function refusalOf(location: string): unknown {
  try {
    return leadsTo(location);
  } catch (error) {
    return error;
  }
}

describe('A redirect', () => {
  it.each([301, 302, 303, 307, 308])('is a response with status %i and a location', (status) => {
    expect(nextHop(FROM, call(), answer(status, '/next'))?.url.pathname).toBe('/next');
    expect(nextHop(FROM, call(), answer(status))).toBeUndefined();
  });

  it.each([200, 201, 300, 304, 305, 306, 401, 503])('does not happen with status %i', (status) => {
    expect(nextHop(FROM, call(), answer(status, '/next'))).toBeUndefined();
  });

  it.each([
    ['/next', 'https://api.example.com/next'],
    ['1', 'https://api.example.com/2.0/folders/1'],
    ['?limit=6', 'https://api.example.com/2.0/folders/0?limit=6'],
    ['//other.example.com/x', 'https://other.example.com/x'],
    ['https://other.example.com/x', 'https://other.example.com/x'],
    ['http://other.example.com/x', 'http://other.example.com/x'],
    [Buffer.from('/ü').toString('latin1'), 'https://api.example.com/%C3%BC'],
  ])('to %s is resolved against the request URL', (location, url) => {
    expect(leadsTo(location)).toBe(url);
  });

  it.each(['data:text/plain,hello', 'file:///etc/passwd', 'ftp://x/', 'xhttp://x/', 'http://'])(
    'to %s fails the call with the reason',
    (location) => {
      const error = refusalOf(location);
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({
        message: 'fetch failed',
        cause: { message: expect.stringContaining('does not lead to an http address') },
      });
    },
  );
});

describe('The method after a redirect', () => {
  it.each([
    // Browsers have always done so with POST, and with POST only.
    [301, 'POST', 'GET'],
    [302, 'POST', 'GET'],
    [301, 'PUT', 'PUT'],
    [302, 'DELETE', 'DELETE'],
    [301, 'HEAD', 'HEAD'],
    [302, 'GET', 'GET'],
    // See other: what is there is to be read.
    [303, 'POST', 'GET'],
    [303, 'PUT', 'GET'],
    [303, 'DELETE', 'GET'],
    [303, 'HEAD', 'HEAD'],
    [303, 'GET', 'GET'],
    // The same call, elsewhere.
    [307, 'POST', 'POST'],
    [308, 'POST', 'POST'],
    [307, 'PUT', 'PUT'],
    [308, 'DELETE', 'DELETE'],
  ])('with %i, for %s, is %s', (status, method, next) => {
    expect(nextHop(FROM, call({ method }), answer(status, '/'))?.request.method).toBe(next);
  });

  it.each([
    [303, 'PUT', null],
    [303, 'GET', 'hello'],
    [303, 'HEAD', 'hello'],
    [302, 'PUT', 'hello'],
    [307, 'POST', 'hello'],
  ])('with %i, for %s, decides about the body and its headers', (...row) => {
    const [status, method, body] = row;
    const headers = new Headers({
      'content-type': 'text/plain',
      'content-length': '5',
      'content-encoding': 'identity',
      'content-language': 'en',
      'content-location': '/x',
      'x-mine': '1',
    });
    const hop = nextHop(FROM, call({ method, body: BODY, headers }), answer(status, '/'));
    expect(hop?.request.body).toBe(body === null ? null : BODY);
    expect([...(hop?.request.headers.keys() ?? [])]).toEqual(
      body === null ? ['x-mine'] : [...headers.keys()],
    );
  });
});

describe('The headers after a redirect', () => {
  const PRIVATE = {
    authorization: 'Bearer mine',
    'proxy-authorization': 'Basic mine',
    cookie: 'a=b',
    host: 'api.example.com',
  };
  const after = (location: string, headers: Headers) =>
    Object.fromEntries(
      nextHop(FROM, call({ headers }), answer(307, location))?.request.headers ?? [],
    );

  it.each(['/next', 'https://api.example.com:443/next'])(
    'are kept within an origin: %s',
    (location) => {
      expect(after(location, new Headers(PRIVATE))).toEqual(PRIVATE);
    },
  );

  it.each([
    ['another host', 'https://evil.example/'],
    ['another port', 'https://api.example.com:8443/'],
    ['another protocol', 'http://api.example.com/'],
  ])('to %s lose the headers that are bound to an origin', (_, location) => {
    expect(after(location, new Headers({ ...PRIVATE, 'x-mine': '1' }))).toEqual({ 'x-mine': '1' });
  });

  it('are a copy: the first request keeps its own, and its other fields are forwarded', () => {
    const { signal } = new AbortController();
    const outgoing = call({ headers: new Headers(PRIVATE), signal, method: 'POST', body: BODY });
    const hop = nextHop(FROM, outgoing, answer(302, 'https://evil.example/'));
    expect(Object.fromEntries(outgoing.headers)).toEqual(PRIVATE);
    expect(hop?.request).toMatchObject({ signal, redirect: 'follow' });
  });
});

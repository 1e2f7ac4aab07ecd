import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { anyText } from '../support/any-text.js';
import { FakeRuntime } from '../support/fake-runtime.js';
import { expectOurs, outcomeOf } from './outcome.js';

const CLIENT_SECRET = 'q9LmZx3VbN7tRw2KcY8pDf5GhJ4sAe6U';
const TOKEN = 'T1aK8sQ2vX7nB4mC9zL5wE3rY6uI0oP1';
const SECRETS = [CLIENT_SECRET, TOKEN];
const credentials = { clientId: 'client', clientSecret: CLIENT_SECRET, enterpriseId: '1' };

const text = fc.oneof(
  anyText({ maxLength: 60 }),
  fc.constantFrom(
    CLIENT_SECRET,
    `Bearer ${TOKEN}`,
    `client_secret=${CLIENT_SECRET}&grant_type=x`,
    'invalid_grant',
    "Current date/time MUST be before the expiration date/time listed in the 'exp' claim",
    'unauthorized_client',
    'rate_limit_exceeded',
    'x'.repeat(70_000),
    '\r\n\r\n',
  ),
);
const json = fc.oneof(text, fc.jsonValue({ maxDepth: 2 }), fc.double(), fc.constant(undefined));
const fields = fc.record(
  {
    access_token: fc.oneof(fc.constant(TOKEN), json),
    expires_in: fc.oneof(fc.constantFrom(3600, 0, -1, 1e300, '3600', '1e3', null), json),
    token_type: json,
    scope: json,
    restricted_to: json,
    error: json,
    error_description: json,
    code: json,
    message: json,
  },
  { requiredKeys: [] },
);
const body = fc.oneof(
  fields.map((value) => Buffer.from(JSON.stringify(value))),
  fc.tuple(fields, fc.nat(), fc.nat(255)).map(([value, at, byte]) => {
    const bytes = Buffer.from(JSON.stringify(value));
    bytes[at % bytes.length] = byte;
    return bytes;
  }),
  fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value))),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  text.map((value) => Buffer.from(value)),
);
const headerValue = fc.oneof(
  fc.stringMatching(/^[ -~]{0,40}$/),
  fc.constantFrom(
    '0',
    '-1',
    '1e9',
    '9'.repeat(400),
    'Wed, 21 Oct 2065 07:28:00 GMT',
    CLIENT_SECRET,
  ),
);
const headers = fc.record(
  {
    'content-type': fc.oneof(
      fc.constantFrom('application/json', 'application/json;charset=utf-16', 'text/html'),
      headerValue,
    ),
    'retry-after': headerValue,
    date: headerValue,
    location: headerValue,
    'www-authenticate': headerValue,
    'box-request-id': headerValue,
  },
  { requiredKeys: ['content-type'] },
);
const status = fc.oneof(
  fc.constantFrom(200, 400, 401, 403, 429, 500, 503, 302),
  fc.integer({ min: 200, max: 599 }),
);
/** The body of a response arrives whole, ends with an error, or never ends. */
const ending = fc.constantFrom('whole', 'error', 'open');

type ResponseParts = readonly [number, Record<string, string>, Buffer, string];

function responseOf([code, head, bytes, end]: ResponseParts): Response {
  const hasBody = ![204, 205, 304].includes(code);
  const stream = new ReadableStream({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(new Uint8Array(bytes));
      if (end === 'error') controller.error(new Error(`connection lost: ${CLIENT_SECRET}`));
      if (end === 'whole') controller.close();
    },
  });
  return new Response(hasBody ? stream : null, { status: code, headers: head });
}

describe('Any response of the token endpoint', () => {
  it('leads to a token that can be sent or one of our errors, in time, and shows no secret', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(status, headers, body, ending), { minLength: 1, maxLength: 5 }),
        async (responses) => {
          const runtime = new FakeRuntime();
          let requests = 0;
          const fetch = (_: unknown, { signal }: RequestInit = {}) => {
            const parts = responses[requests++ % responses.length] ?? responses[0];
            return parts === undefined
              ? Promise.reject(new Error('none'))
              : untilAborted(parts, signal);
          };
          const box = new BoxAuth({ credentials, fetch, runtime });
          const outcome = await outcomeOf(box.provider.getToken(), runtime);
          if ('value' in outcome) expect(outcome.value.value).toMatch(/^[\x21-\x7e]{1,8192}$/);
          else expectOurs(outcome.error, SECRETS);
          expect(requests).toBeLessThanOrEqual(8);
          box.close();
          expect(runtime.timers).toBe(0);
        },
      ),
      { numRuns: 250 },
    );
  });
});

/** Errors the body of the response when its request is aborted, as a real `fetch` does. */
async function untilAborted(
  parts: ResponseParts,
  signal: RequestInit['signal'],
): Promise<Response> {
  const response = responseOf(parts);
  if (parts[3] !== 'open' || response.body === null) return response;
  const aborting = new TransformStream();
  const init = { status: response.status, headers: response.headers };
  const end = () => void aborting.writable.abort(signal?.reason).catch(() => undefined);
  signal?.addEventListener('abort', end);
  const writer = aborting.writable.getWriter();
  void writer.write(new Uint8Array(parts[2])).catch(() => undefined);
  writer.releaseLock();
  return new Response(aborting.readable, init);
}

describe('Any bytes instead of an HTTP response', () => {
  let server: Server;
  let bytes = Buffer.alloc(0);
  let url = '';
  const sockets = new Set<Socket>();
  beforeAll(async () => {
    server = createServer((socket) => {
      sockets.add(socket.on('close', () => sockets.delete(socket)).on('error', () => undefined));
      socket.once('data', () => socket.end(bytes));
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  const head = fc.constantFrom(
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n',
    'HTTP/1.1 503 \r\nretry-after: 1\r\n',
    'HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab',
    'HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n',
    'HTTP/1.1 999 Odd\r\n',
    'HTTP/2 200\r\n',
    'SSH-2.0-OpenSSH_9.6\r\n',
    '',
  );
  const raw = fc
    .tuple(head, fc.constantFrom('', '\r\n', 'content-type: application/json\r\n\r\n'), body)
    .map(([start, middle, end]) => Buffer.concat([Buffer.from(start + middle), end]));

  it('lead to a token or one of our errors, and show no secret', async () => {
    await fc.assert(
      fc.asyncProperty(raw, async (sent) => {
        bytes = sent;
        const box = new BoxAuth({ credentials, apiUrl: url, tokenEndpoint: { attempts: 1 } });
        const outcome = await box.provider.getToken().then(
          (value) => ({ value }),
          (error: unknown) => ({ error }),
        );
        if ('error' in outcome) expectOurs(outcome.error, SECRETS);
        box.close();
      }),
      { numRuns: 150 },
    );
  });
});

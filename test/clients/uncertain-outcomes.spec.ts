import type { ServerResponse } from 'node:http';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { BoxAuth } from '../../lib/box/box-auth.js';
import type { FakeRuntime } from '../support/fake-runtime.js';
import { startServer } from '../support/loopback-server.js';
import { retryingClients } from '../support/retrying-clients.js';
import { ScriptedEndpoint } from '../support/scripted-endpoint.js';
import { SkippingRuntime } from '../support/skipping-runtime.js';

/** What the server does with a request. `isRefusal`: it says that it did nothing. */
interface Outcome {
  readonly status?: number;
  readonly code?: string;
  readonly retryAfter?: number | undefined;
  readonly challenge?: string;
  readonly isRefusal: boolean;
}

const retryAfter = fc.option(fc.nat({ max: 90 }), { nil: undefined });
const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  retryAfter.map((seconds) => ({ status: 429, retryAfter: seconds, isRefusal: true })),
  fc.record({
    status: fc.constantFrom(200, 201, 202, 204, 400, 404, 408, 412, 500, 501, 502, 503, 504, 507),
    retryAfter,
    isRefusal: fc.constant(false),
  }),
  fc
    .constantFrom('name_temporarily_reserved', 'operation_blocked_temporary')
    .map((code) => ({ status: 409, code, isRefusal: true })),
  fc
    .constantFrom('item_name_in_use', 'conflict', 'recent_similar_comment')
    .map((code) => ({ status: 409, code, isRefusal: false })),
  fc.constant({ isRefusal: false }), // a reset
  fc.constant({ status: 401, challenge: 'Bearer error="invalid_token"', isRefusal: true }),
);

function respond(to: Outcome, response: ServerResponse): void {
  if (to.status === undefined) {
    response.socket?.resetAndDestroy();
    return;
  }
  response.writeHead(to.status, {
    ...(to.retryAfter === undefined ? {} : { 'retry-after': String(to.retryAfter) }),
    ...(to.challenge === undefined ? {} : { 'www-authenticate': to.challenge }),
  });
  response.end(to.status === 204 ? undefined : JSON.stringify({ code: to.code }));
}

const methods = fc.constantFrom('GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'POST', 'PATCH');
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

describe.each(Object.entries(retryingClients))('A call of %s', (_, open) => {
  it('is never sent again after an uncertain outcome if it is not idempotent', async () => {
    const property = fc.asyncProperty(
      methods,
      fc.array(outcome, { maxLength: 8 }),
      fc.integer({ min: 2, max: 6 }),
      async (method, outcomes, attempts) => {
        const done: Outcome[] = [];
        const script = outcomes.slice();
        const api = await startServer((_request, response) => {
          const next = script.shift() ?? { status: 200, isRefusal: false };
          done.push(next);
          respond(next, response);
        });
        const runtime = new SkippingRuntime();
        const endpoint = new ScriptedEndpoint(runtime as unknown as FakeRuntime);
        const box = new BoxAuth({
          credentials: { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' },
          apiUrl: api.url,
          runtime,
          apiRetries: { attempts },
          fetch: (input, init) =>
            String(input).endsWith('/oauth2/token')
              ? endpoint.fetch(input, init)
              : fetch(input, init),
        });
        const client = open(box);
        const hasBody = !['GET', 'HEAD', 'OPTIONS', 'DELETE'].includes(method);
        const call = { method, ...(hasBody ? { body: 'hello' } : {}) };
        const received = await client
          .call(`${api.url}/2.0/files/1`, call)
          .then(({ status }) => status)
          .catch(() => undefined);
        await client.close?.();
        box.close();
        await api.stop();

        const repeated = done.slice(0, -1);
        const isUncertain = ({ status, isRefusal }: Outcome) =>
          !isRefusal && !(IDEMPOTENT.has(method) && (status === undefined || status >= 408));
        if (repeated.some(isUncertain)) throw new Error('It was sent again.');
        if (done.length > attempts) throw new Error('It took too many requests.');
        if (received !== done.at(-1)?.status) throw new Error('The result is of another request.');
        if (api.arrived.some(({ body }) => body !== (call.body ?? ''))) {
          throw new Error('A request had another body.');
        }
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });
});

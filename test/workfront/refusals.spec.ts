import fc from 'fast-check';
import { WorkfrontEmulator } from 'nestjs-box-auth/testing';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { systemRuntime } from '../../lib/core/runtime/runtime.js';
import { WorkfrontAuth } from '../../lib/workfront/workfront-auth.js';
import { FakeRuntime } from '../support/fake-runtime.js';
import { broken, refuse, type ScriptedEndpoint, silence } from '../support/scripted-endpoint.js';
import { thrownBy } from '../support/thrown.js';
import { application, jwtOf, over, ScriptedWorkfront, until } from './workfront-app.js';

let runtime: FakeRuntime;
let exchange: ScriptedEndpoint;
let workfront: WorkfrontAuth;
beforeEach(() => {
  runtime = new FakeRuntime();
  runtime.randomValue = 0;
  const scripted = new ScriptedWorkfront(runtime);
  ({ exchange } = scripted);
  workfront = scripted.app();
});

const refusal = () => thrownBy(() => over(runtime, workfront.provider.getToken()));

describe('A 4xx of the token endpoint', () => {
  it('is one typed error for every status, and is not retried', async () => {
    const statuses = fc
      .integer({ min: 400, max: 499 })
      .filter((status) => ![408, 429].includes(status));
    await fc.assert(
      fc.asyncProperty(statuses, async (status) => {
        const scripted = new ScriptedWorkfront(runtime);
        ({ exchange } = scripted);
        workfront = scripted.app();
        exchange.otherwise = refuse(exchange, status, 'some_error', 'Some words.');
        const error = await refusal();
        expect(error).toMatchObject({ code: 'token_request_refused', status, retryable: false });
        expect(error.message).toBe(`Workfront returned ${status} (some_error: Some words.).`);
        expect(exchange.received).toHaveLength(1);
      }),
      { numRuns: 40 },
    );
  });

  it.each(['customerId', 'client id', 'userId', 'public key', 'clientSecret', 'clock'])(
    'has a hint that names the usual causes: %s',
    async (cause) => {
      exchange.otherwise = refuse(exchange, 400, 'invalid_grant', '');
      const error = await refusal();
      expect(error.hint).toContain(cause);
      expect(error.docs).toMatch(/^https:\/\/experienceleague\.adobe\.com\//);
    },
  );

  it.each([
    ['an object of its own kind', { error: { message: 'No such user' } }, 'No such user'],
    ['a message', { message: 'No such user' }, 'No such user'],
    ['a list', ['No such user'], 'No such user'],
    ['a text', 'No such user', 'No such user'],
  ])('has the words of the response in its error: %s', async (_, body, words) => {
    exchange.otherwise = () => exchange.json(403, body);
    expect((await refusal()).message).toContain(words);
  });

  it('has an HTML page as one line of at most 300 characters in its error', async () => {
    const page = `<html>\n<body>\u0007Access denied${' by the proxy'.repeat(500)}</body>\n</html>`;
    exchange.otherwise = () =>
      new Response(page, { status: 403, headers: { 'content-type': 'text/html' } });
    const { code, message } = await refusal();
    expect(code).toBe('token_request_refused');
    expect(message).toContain('Access denied by the proxy');
    for (const control of ['\u0007', '\n']) expect(message).not.toContain(control);
    expect(message.length).toBeLessThan(340);
  });

  it.each([
    ['no body', () => new Response(null, { status: 400 })],
    ['a body that breaks off', () => new Response(brokenOff(), { status: 400 })],
    ['a body without end', () => new Response(endless(), { status: 400 })],
  ])('with %s is the same error, without words of the response', async (_, answer) => {
    exchange.otherwise = answer;
    expect(await refusal()).toMatchObject({
      code: 'token_request_refused',
      message: 'Workfront returned 400.',
    });
  });

  it('shows no secret that the response repeats', async () => {
    exchange.otherwise = (request) =>
      new Response(`refused: ${application.clientSecret} ${jwtOf(request)} ${request.form}`, {
        status: 400,
      });
    const { message } = await refusal();
    expect(message).toContain('refused: [redacted]');
    expect(message).not.toContain(application.clientSecret);
    expect(message).not.toContain('eyJ');
  });

  it('is remembered: later calls do not repeat the same request', async () => {
    exchange.otherwise = refuse(exchange, 401, 'invalid_client', '');
    for (let call = 0; call < 10; call++) {
      await refusal();
      await runtime.advance(2_000);
    }
    expect(exchange.received).toHaveLength(1);
    await runtime.advance(11_000);
    exchange.otherwise = exchange.grant;
    await expect(over(runtime, workfront.provider.getToken())).resolves.toBeDefined();
  });
});

describe('A transient failure is retried', () => {
  it.each([
    ['408', 408],
    ['429', 429],
    ['500', 500],
    ['502', 502],
    ['503', 503],
  ])('after a %s', async (_, status) => {
    exchange.script(refuse(exchange, status, '', ''), refuse(exchange, status, '', ''));
    await over(runtime, workfront.provider.getToken());
    expect(exchange.received).toHaveLength(3);
  });

  it.each([
    ['a 503 to the last', 503, 'unavailable'],
    ['a 429 to the last', 429, 'rate_limited'],
  ])('%s is reported after four attempts', async (_, status, code) => {
    exchange.otherwise = refuse(exchange, status, '', '');
    expect(await refusal()).toMatchObject({ code, status, retryable: true });
    expect(exchange.received).toHaveLength(4);
  });

  it.each([
    ['seconds', () => '7'],
    ['a date', () => new Date(runtime.now() + 7_000).toUTCString()],
  ])('not before the time in Retry-After: %s', async (_, retryAfter) => {
    exchange.script(refuse(exchange, 429, '', '', { 'retry-after': retryAfter() }));
    const work = workfront.provider.getToken();
    await until(runtime, () => exchange.received.length === 1);
    await runtime.advance(6_900);
    expect(exchange.received).toHaveLength(1);
    await runtime.advance(100);
    await over(runtime, work);
    expect(exchange.received).toHaveLength(2);
  });

  it('a Retry-After beyond the deadline is reported to the caller', async () => {
    exchange.otherwise = refuse(exchange, 429, '', '', { 'retry-after': '120' });
    expect(await refusal()).toMatchObject({ code: 'rate_limited', retryAfterMs: 120_000 });
    expect(exchange.received).toHaveLength(1);
  });

  it.each([
    ['a connection that breaks', broken('ECONNRESET'), 'network'],
    ['a page in the place of a session', () => new Response('<html>'), 'response_invalid'],
    [
      'a redirect',
      () => new Response(null, { status: 302, headers: { location: 'https://example.com' } }),
      'response_invalid',
    ],
    ['an answer without a session', () => Response.json({ wid: '1' }), 'response_invalid'],
    ['an answer without end', () => new Response(endless()), 'response_invalid'],
  ])('%s', async (_, answer, code) => {
    exchange.script(answer);
    await over(runtime, workfront.provider.getToken());
    expect(exchange.received).toHaveLength(2);

    workfront.provider.flush();
    exchange.otherwise = answer;
    expect((await refusal()).code).toBe(code);
  });

  it('no response within ten seconds is a timeout', async () => {
    exchange.script(silence);
    const work = workfront.provider.getToken();
    await until(runtime, () => exchange.received.length === 1);
    await runtime.advance(10_000);
    await over(runtime, work);
    expect(exchange.received).toHaveLength(2);
  });
});

describe('A real server with faults', () => {
  it('costs one attempt for each fault, and never receives a JWT twice', async () => {
    const emulator = await WorkfrontEmulator.start();
    onTestFinished(() => emulator.stop());
    const impatient = new WorkfrontAuth({
      url: emulator.url,
      ...emulator.credentials,
      tokenEndpoint: { attempts: 9 },
      runtime: { ...systemRuntime, random: () => 0 }, // no pauses
    });
    emulator.failNext('exchange', { kind: 'unavailable' });
    emulator.failNext('exchange', { kind: 'reset' });
    emulator.failNext('exchange', { kind: 'garbage' });
    emulator.failNext('exchange', { kind: 'huge' });
    emulator.failNext('exchange', { kind: 'redirect', location: emulator.downloadUrl });
    await expect(impatient.provider.getToken()).resolves.toBeDefined();
    expect(emulator.exchangeRequests).toHaveLength(6);
    expect(emulator.refusals).toEqual([]);
    expect(emulator.downloadRequests).toEqual([]);
    impatient.close();
  });

  it.each([
    ['the client id in the place of the customer id', 'issuer', { customerId: 'clientId' }],
    ['another user', 'subject', { userId: 'customerId' }],
    ['a wrong secret', 'client', { clientSecret: 'userId' }],
  ] as const)(
    'that receives %s does not name the cause in its response',
    async (_, reason, wrong) => {
      const emulator = await WorkfrontEmulator.start({ privateKey: application.privateKey });
      onTestFinished(() => emulator.stop());
      const { credentials } = emulator;
      const mistaken = Object.fromEntries(
        Object.entries(wrong).map(([name, taken]) => [name, credentials[taken]]),
      );
      const mistakenApp = new WorkfrontAuth({ url: emulator.url, ...credentials, ...mistaken });
      const error = await thrownBy(() => mistakenApp.provider.getToken());
      expect(error.code).toBe('token_request_refused');
      expect(emulator.refusals.map((told) => told.reason)).toEqual([reason]);
      mistakenApp.close();
    },
  );

  it('refuses an unknown key until it is added', async () => {
    const emulator = await WorkfrontEmulator.start();
    onTestFinished(() => emulator.stop());
    const { privateKey } = application;
    const other = new WorkfrontAuth({ url: emulator.url, ...emulator.credentials, privateKey });
    expect((await thrownBy(() => other.provider.getToken())).code).toBe('token_request_refused');
    expect(emulator.refusals.at(-1)?.reason).toBe('signature');
    emulator.registerPublicKey(privateKey);
    other.provider.flush();
    await expect(other.provider.getToken()).resolves.toBeDefined();
    other.close();
  });
});

function brokenOff(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) });
}

function endless(): ReadableStream<Uint8Array> {
  const chunk = Buffer.alloc(65_536, 'x');
  return new ReadableStream({ pull: (controller) => controller.enqueue(chunk) });
}

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ApiRequestEvent, type AuthEventSource, onAuthEvent } from 'nestjs-box-auth';
import { ApiCallReport, reported } from '../../../lib/core/http/api-call-report.js';
import { FakeRuntime } from '../../support/fake-runtime.js';

const START = Date.parse('2026-03-01T12:00:00Z');
const URL_WITH_ID = new URL('https://api.box.com/2.0/files/12345?fields=name');

let runtime: FakeRuntime;
let report: ApiCallReport;
let heard: (ApiRequestEvent & AuthEventSource)[];
let stop: () => void;
beforeEach(() => {
  runtime = new FakeRuntime(START);
  report = new ApiCallReport(runtime, { issuer: 'Box', app: 'hr' }, 'header');
  heard = [];
  stop = onAuthEvent('api-request', (event) => heard.push(event));
});
afterEach(() => stop());

describe('A report', () => {
  it('measures the wait for the token, the request, and the wait for its repetition', async () => {
    await runtime.advance(300);
    const first = report.sent(URL_WITH_ID, 'get');
    await runtime.advance(2_000);
    first.responded(401);
    await runtime.advance(50);
    const second = report.sent(URL_WITH_ID, 'get');
    await runtime.advance(7);
    second.responded(200);
    const request = {
      kind: 'api-request',
      issuer: 'Box',
      app: 'hr',
      method: 'GET',
      host: 'api.box.com',
      port: 443,
      acting: 'header',
    };
    expect(heard).toEqual([
      {
        ...request,
        attempt: 1,
        waitedMs: 300,
        startedAt: START + 300,
        durationMs: 2_000,
        status: 401,
      },
      {
        ...request,
        attempt: 2,
        repeatedAfter: 401,
        waitedMs: 50,
        startedAt: START + 2_350,
        durationMs: 7,
        status: 200,
      },
    ]);
  });

  it('emits the first result of a request only, and no informational response', () => {
    const request = report.sent(URL_WITH_ID, 'GET');
    request.responded(103);
    expect(heard).toEqual([]);
    request.responded(200);
    request.failed(new Error('the body broke off'));
    expect(heard).toMatchObject([{ status: 200 }]);
  });

  it('starts again with each redirect', async () => {
    report.sent(URL_WITH_ID, 'POST').responded(401);
    const request = report.sent(URL_WITH_ID, 'POST');
    await runtime.advance(10);
    request.responded(303);
    request.redirected(new URL('https://upload.box.com/x'), 'GET');
    await runtime.advance(20);
    request.responded(200);
    expect(heard.slice(1)).toMatchObject([
      { method: 'POST', host: 'api.box.com', attempt: 2, durationMs: 10, status: 303 },
      { method: 'GET', host: 'upload.box.com', attempt: 1, waitedMs: 0, durationMs: 20 },
    ]);
  });

  it.each([
    ['https://api.box.com:8443/', 'api.box.com', 8443],
    ['http://localhost/', 'localhost', 80],
    ['http://[::1]:3000/', '::1', 3000],
  ])('has the host and the port of %s', (url, host, port) => {
    report.sent(new URL(url), undefined).responded(200);
    expect(heard).toMatchObject([{ method: 'GET', host, port }]);
  });
});

describe('The type of an error', () => {
  const { proxy: hostile, revoke } = Proxy.revocable({}, {});
  revoke();
  const failed = (code: string, name = 'Error') =>
    Object.assign(new Error('message'), { code, name });

  it.each([
    ['the code of its cause', new TypeError('fetch failed', { cause: failed('ECONNREFUSED') })],
    ['its own code', failed('ECONNREFUSED')],
  ])('is %s', (_, error) => {
    report.sent(URL_WITH_ID, 'GET').failed(error);
    expect(heard).toMatchObject([{ errorType: 'ECONNREFUSED' }]);
  });

  it.each([
    ['a name', new DOMException('aborted', 'AbortError'), 'AbortError'],
    ['a code with a digit', failed('ERR_HTTP2_STREAM_ERROR'), 'ERR_HTTP2_STREAM_ERROR'],
    ['a code that is an id', failed('USER_918273645', 'TypeError'), 'TypeError'],
    ['a code and a name with ids', failed('918273645', 'E918273645'), '_OTHER'],
    ['a text', 'user 918273645', '_OTHER'],
    ['a value that throws', hostile, '_OTHER'],
    ['nothing', undefined, '_OTHER'],
  ])('of %s has no id in it', (_, error, errorType) => {
    report.sent(URL_WITH_ID, 'GET').failed(error);
    expect(heard).toMatchObject([{ errorType }]);
  });

  it('is missing if the error is a response', () => {
    report.sent(URL_WITH_ID, 'GET').failed(Object.assign(new Error('429'), { status: 429 }));
    expect(heard).toMatchObject([{ status: 429 }]);
    expect(heard[0]).not.toHaveProperty('errorType');
  });
});

describe('A reported request', () => {
  it('resolves and rejects like the request itself', async () => {
    const response = new Response('ok');
    expect(await reported(report, URL_WITH_ID, 'GET', () => Promise.resolve(response))).toBe(
      response,
    );
    const error = new TypeError('fetch failed');
    await expect(reported(report, URL_WITH_ID, 'GET', () => Promise.reject(error))).rejects.toBe(
      error,
    );
    expect(heard).toMatchObject([{ status: 200 }, { errorType: 'TypeError' }]);
  });
});

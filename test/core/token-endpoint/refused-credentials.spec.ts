import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuthError } from 'nestjs-box-auth';
import {
  toBoxAuthError,
  type ErrorScope,
  scopeOf,
} from '../../../lib/core/token-endpoint/known-error-responses.js';
import { RefusedCredentials } from '../../../lib/core/token-endpoint/refused-credentials.js';
import { FakeRuntime } from '../../support/fake-runtime.js';

const docs = 'https://docs.example/';
const refusal = (scope: ErrorScope) =>
  toBoxAuthError({ status: 400, headers: new Headers(), shown: (text) => text }, [], {
    name: 'Box',
    fallback: { scope, code: 'token_request_refused', hint: 'Ask.', docs },
  });

let runtime: FakeRuntime;
let refused: RefusedCredentials;

beforeEach(() => {
  runtime = new FakeRuntime();
  refused = new RefusedCredentials(runtime);
});

/** For how long Box is not asked. */
const waitFor = (credentials: string, subject: string) =>
  refused.recall(credentials, subject)?.retryAfterMs;

describe('Refused credentials', () => {
  it('are not tried for 30 s, then for twice as long at each refusal, up to 5 min', async () => {
    const waits: (number | undefined)[] = [];
    for (let time = 0; time < 6; time++) {
      refused.remember('app', 'user:1', refusal('client'));
      const wait = waitFor('app', 'user:1');
      waits.push(wait);
      await runtime.advance(wait ?? 0);
      expect(waitFor('app', 'user:1')).toBeUndefined();
    }
    expect(waits).toEqual([30_000, 60_000, 120_000, 240_000, 300_000, 300_000]);
  });

  it('are not tried for 30 s when concurrent requests of many subjects are refused', () => {
    for (let user = 0; user < 100; user++) {
      refused.remember('app', `user:${user}`, refusal('client'));
    }
    expect(waitFor('app', 'user:0')).toBe(30_000);
  });

  it.each<ErrorScope>(['client', 'tenant', 'subject'])(
    'start at 30 s again once a token was granted: %s',
    async (scope) => {
      refused.remember('app', 'user:1', refusal(scope));
      await runtime.advance(30_000);
      refused.forget('app', 'user:1');
      refused.remember('app', 'user:1', refusal(scope));
      expect(waitFor('app', 'user:1')).toBe(30_000);
    },
  );

  it('are refused for every subject if the refusal is about the client', () => {
    refused.remember('app', 'user:1', refusal('client'));
    expect(waitFor('app', 'user:2')).toBe(30_000);
    expect(waitFor('other', 'user:1')).toBeUndefined();
  });

  it.each<ErrorScope>(['tenant', 'subject'])(
    'are refused for one subject if the refusal is about the %s, even after a success of another subject',
    (scope) => {
      refused.remember('app', 'enterprise:1', refusal(scope));
      refused.forget('app', 'enterprise:2');
      expect(waitFor('app', 'enterprise:1')).toBe(30_000);
      expect(waitFor('app', 'enterprise:2')).toBeUndefined();
    },
  );
});

describe('The scope of a refusal', () => {
  it('is not visible in the error', () => {
    const error = refusal('tenant');
    expect(scopeOf(error)).toBe('tenant');
    expect(Reflect.ownKeys(error)).not.toContain('scope');
    expect(JSON.stringify(error)).not.toContain('tenant');
  });

  it('is one subject for an error that was not made from a response', () => {
    const error = new BoxAuthError({ code: 'token_invalid', message: 'No.', hint: 'Ask.', docs });
    expect(scopeOf(error)).toBe('subject');
  });
});

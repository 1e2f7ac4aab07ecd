import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuthError, type Subject } from 'nestjs-box-auth';
import {
  toBoxAuthError,
  type ErrorScope,
  scopeOf,
} from '../../../lib/core/token-endpoint/known-error-responses.js';
import { RefusedCredentials } from '../../../lib/core/token-endpoint/refused-credentials.js';
import { FakeRuntime } from '../../support/fake-runtime.js';

const USER: Subject = { type: 'user', id: '1' };
const OTHER_USER: Subject = { type: 'user', id: '2' };
const TENANT: Subject = { type: 'enterprise', id: '1' };
const OTHER_TENANT: Subject = { type: 'enterprise', id: '2' };

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
const waitFor = (credentials: string, subject: Subject) =>
  refused.recall(credentials, subject)?.retryAfterMs;

describe('Refused credentials', () => {
  it('are not tried for 30 s, then for twice as long at each refusal, up to 5 min', async () => {
    const waits: (number | undefined)[] = [];
    for (let time = 0; time < 6; time++) {
      refused.remember('app', USER, refusal('client'));
      const wait = waitFor('app', USER);
      waits.push(wait);
      await runtime.advance(wait ?? 0);
      expect(waitFor('app', USER)).toBeUndefined();
    }
    expect(waits).toEqual([30_000, 60_000, 120_000, 240_000, 300_000, 300_000]);
  });

  it('are not tried for 30 s when concurrent requests of many subjects are refused', () => {
    for (let user = 0; user < 100; user++) {
      refused.remember('app', { type: 'user', id: String(user) }, refusal('client'));
    }
    expect(waitFor('app', { type: 'user', id: '0' })).toBe(30_000);
  });

  it.each<ErrorScope>(['client', 'tenant', 'subject'])(
    'start at 30 s again once a token was granted: %s',
    async (scope) => {
      refused.remember('app', USER, refusal(scope));
      await runtime.advance(30_000);
      refused.forget('app', USER);
      refused.remember('app', USER, refusal(scope));
      expect(waitFor('app', USER)).toBe(30_000);
    },
  );

  it('are refused for every subject if the refusal is about the client', () => {
    refused.remember('app', USER, refusal('client'));
    expect(waitFor('app', OTHER_USER)).toBe(30_000);
    expect(waitFor('other', USER)).toBeUndefined();
  });

  it.each<ErrorScope>(['tenant', 'subject'])(
    'are refused for one subject if the refusal is about the %s, even after a success of another subject',
    (scope) => {
      refused.remember('app', TENANT, refusal(scope));
      refused.forget('app', OTHER_TENANT);
      expect(waitFor('app', TENANT)).toBe(30_000);
      expect(waitFor('app', OTHER_TENANT)).toBeUndefined();
    },
  );
});

describe('A refused enterprise', () => {
  it('is tried again after 30 s each time, but a user less and less often', async () => {
    const waits: (number | undefined)[] = [];
    for (let time = 0; time < 3; time++) {
      for (const subject of [TENANT, USER]) {
        refused.remember('app', subject, refusal('subject'));
        waits.push(waitFor('app', subject));
      }
      await runtime.advance(300_000);
    }
    expect(waits).toEqual([30_000, 30_000, 30_000, 60_000, 30_000, 120_000]);
  });
});

describe('A refused tenant', () => {
  const ofTenant: Subject = { type: 'user', id: '1', enterprise: '1' };

  it('is tried again after 30 s each time, because its admin may authorize the app at any moment', async () => {
    for (let time = 0; time < 4; time++) {
      refused.remember('app', TENANT, refusal('tenant'));
      expect(waitFor('app', TENANT)).toBe(30_000);
      await runtime.advance(30_000);
      expect(waitFor('app', TENANT)).toBeUndefined();
    }
  });

  it('is refused for its users too', () => {
    refused.remember('app', TENANT, refusal('tenant'));
    expect(waitFor('app', ofTenant)).toBe(30_000);
    expect(waitFor('app', USER)).toBeUndefined();
    expect(waitFor('app', OTHER_TENANT)).toBeUndefined();
  });

  it('is not refused because one of its users was, who may belong to another enterprise', async () => {
    for (let time = 0; time < 2; time++) {
      refused.remember('app', ofTenant, refusal('tenant'));
      expect(waitFor('app', ofTenant)).toBe(30_000);
      expect(waitFor('app', TENANT)).toBeUndefined();
      expect(waitFor('app', { ...ofTenant, id: '2' })).toBeUndefined();
      await runtime.advance(30_000);
    }
    refused.remember('app', ofTenant, refusal('tenant'));
    refused.clear('1');
    expect(waitFor('app', ofTenant)).toBeUndefined();
  });

  it('does not share the refusal of one subject', () => {
    refused.remember('app', TENANT, refusal('subject'));
    expect(waitFor('app', ofTenant)).toBeUndefined();
    refused.remember('app', ofTenant, refusal('subject'));
    refused.clear('1');
    expect(waitFor('app', ofTenant)).toBeUndefined();
  });

  it('is forgotten alone, and after a token for one of its subjects', () => {
    refused.remember('app', TENANT, refusal('tenant'));
    refused.remember('app', OTHER_TENANT, refusal('tenant'));
    refused.clear('1');
    expect(waitFor('app', TENANT)).toBeUndefined();
    expect(waitFor('app', OTHER_TENANT)).toBe(30_000);
    refused.remember('app', TENANT, refusal('tenant'));
    refused.forget('app', ofTenant);
    expect(waitFor('app', TENANT)).toBeUndefined();
  });

  it('is reported as new once, until a token was granted', async () => {
    expect(refused.remember('app', TENANT, refusal('tenant'))).toBe(true);
    expect(refused.remember('app', TENANT, refusal('tenant'))).toBe(false);
    await runtime.advance(30_000);
    expect(refused.remember('app', TENANT, refusal('tenant'))).toBe(false);
    refused.forget('app', ofTenant);
    expect(refused.remember('app', TENANT, refusal('tenant'))).toBe(true);
  });
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

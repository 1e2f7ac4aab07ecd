import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuthError, type BoxAuthErrorCode } from 'nestjs-box-auth';
import { RefusedCredentials } from '../../lib/token-endpoint/refused-credentials.js';
import { FakeRuntime } from '../support/fake-runtime.js';

const refusal = (code: BoxAuthErrorCode) =>
  new BoxAuthError({ code, message: 'No.', hint: 'Ask.', docs: 'https://docs.example/' });

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
      refused.remember('app', 'user:1', refusal('client_invalid'));
      const wait = waitFor('app', 'user:1');
      waits.push(wait);
      await runtime.advance(wait ?? 0);
      expect(waitFor('app', 'user:1')).toBeUndefined();
    }
    expect(waits).toEqual([30_000, 60_000, 120_000, 240_000, 300_000, 300_000]);
  });

  it.each<BoxAuthErrorCode>(['client_invalid', 'grant_invalid'])(
    'begin anew with 30 s once a token was granted: %s',
    async (code) => {
      refused.remember('app', 'user:1', refusal(code));
      await runtime.advance(30_000);
      refused.forget('app', 'user:1');
      refused.remember('app', 'user:1', refusal(code));
      expect(waitFor('app', 'user:1')).toBe(30_000);
    },
  );

  it('are refused for everybody', () => {
    refused.remember('app', 'user:1', refusal('client_invalid'));
    expect(waitFor('app', 'user:2')).toBe(30_000);
    expect(waitFor('other', 'user:1')).toBeUndefined();
  });

  it.each<BoxAuthErrorCode>(['subject_refused', 'user_tokens_not_enabled', 'grant_invalid'])(
    'are refused for one subject alone by %s',
    (code) => {
      refused.remember('app', 'user:1', refusal(code));
      expect(waitFor('app', 'user:1')).toBe(30_000);
      expect(waitFor('app', 'user:2')).toBeUndefined();
    },
  );
});

import { setImmediate as nextTick } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { BoxIssuer } from '../../../lib/box/box-issuer.js';
import type { Attempt } from '../../../lib/core/token-endpoint/issuer.js';
import { TimeBudget } from '../../../lib/core/runtime/time-budget.js';
import {
  accessTokenGrant,
  type FormMaker,
  revocation,
} from '../../../lib/core/token-endpoint/grant.js';
import { TokenAttempts } from '../../../lib/core/token-endpoint/token-attempts.js';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { refuse, ScriptedEndpoint } from '../../support/scripted-endpoint.js';
import { thrownBy } from '../../support/thrown.js';

const subject = { type: 'enterprise', id: '1' } as const;
const DEADLINE_MS = 60_000;

let runtime: FakeRuntime;
let endpoint: ScriptedEndpoint;
let attempts: Attempt[];

beforeEach(() => {
  runtime = new FakeRuntime();
  endpoint = new ScriptedEndpoint(runtime);
  attempts = [];
});

const makeForm: FormMaker = async (attempt) => {
  attempts.push(attempt);
  return { grant_type: 'client_credentials' };
};

const tokenAttempts = () =>
  new TokenAttempts(
    new BoxIssuer('https://api.box.com', {}),
    { timeoutMs: 10_000, attempts: 8, deadlineMs: DEADLINE_MS },
    endpoint.fetch,
    runtime,
    () => undefined,
  );

/** The token, after enough time for every attempt. */
async function token(form: FormMaker = makeForm): Promise<string> {
  const budget = new TimeBudget(runtime, DEADLINE_MS);
  const work = tokenAttempts().send(accessTokenGrant(form, subject), { budget });
  work.catch(() => undefined);
  await runtime.advance(2 * DEADLINE_MS);
  return (await work).token.value;
}

/** Milliseconds from one request to the next. */
const pauses = () =>
  endpoint.received.slice(1).map(({ at }, before) => at - (endpoint.received[before]?.at ?? 0));

describe('The attempts of a token request', () => {
  it.each([
    ['nothing', 0, [0, 0, 0, 0, 0, 0, 0]],
    ['half of it', 0.5, [250, 500, 1_000, 2_000, 4_000, 4_000, 4_000]],
    ['all of it', 1, [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]],
  ])(
    'pause for a random part of half a second, then of twice that, up to 8 s: %s',
    async (_, random, expected) => {
      runtime.randomValue = random;
      endpoint.otherwise = refuse(endpoint, 503, 'unavailable', '');
      await thrownBy(() => token());
      expect(pauses()).toEqual(expected);
    },
  );

  it('do not pause until the deadline or beyond it', async () => {
    runtime.randomValue = 0;
    const seconds = (s: number) => ({ 'retry-after': `${s}` });
    endpoint.script(refuse(endpoint, 429, 'rate_limit', '', seconds(60)));
    expect((await thrownBy(() => token())).code).toBe('rate_limited');
    expect(endpoint.received).toHaveLength(1);
    endpoint.script(refuse(endpoint, 429, 'rate_limit', '', seconds(59)));
    expect(await token()).toBe('token-3-for-assertion');
  });

  it('are numbered, and never use an id twice', async () => {
    const down = refuse(endpoint, 503, 'unavailable', '');
    endpoint.script(down, down);
    await token();
    expect(attempts.map(({ number }) => number)).toEqual([0, 1, 2]);
    expect(new Set(attempts.map(({ uniqueId }) => uniqueId)).size).toBe(3);
  });

  it.each([
    ['omit iat once Box refuses it as being in the future', "the 'nbf' or 'iat' claim", true],
    ['keep iat after another refusal', "Please check the 'exp' claim.", false],
  ])('%s', async (_, description, omitted) => {
    endpoint.script(refuse(endpoint, 400, 'invalid_grant', description));
    await token();
    expect(attempts.map(({ omitIssuedAt }) => omitIssuedAt)).toEqual([false, omitted]);
  });

  it.each([
    ['in a tick of the event loop each, even if all signatures end in one', false, [1, 2, 3]],
    ['at once for the own token of the app', true, [3, 3, 3]],
  ])('are sent %s', async (_, goesFirst, expected) => {
    const sender = tokenAttempts();
    const all = [1, 2, 3].map(() =>
      sender.send(accessTokenGrant(makeForm, subject), {
        budget: new TimeBudget(runtime, DEADLINE_MS),
        goesFirst,
      }),
    );
    const sent: number[] = [];
    for (let tick = 0; tick < 3; tick++) {
      await nextTick();
      sent.push(endpoint.received.length);
    }
    await Promise.all(all);
    expect(sent).toEqual(expected);
  });

  it('end with the error of the form maker if it is not a BoxAuthError', async () => {
    const mistake = new TypeError('no such field');
    await expect(token(() => Promise.reject(mistake))).rejects.toBe(mistake);
    expect(endpoint.received).toEqual([]);
  });

  it.each([300, 302, 307, 399])('treat status %i as a redirect', async (status) => {
    endpoint.otherwise = () => new Response(null, { status });
    const error = await thrownBy(() => token());
    expect(error.code).toBe('response_invalid');
    expect(error.message).toContain(`redirects (status ${status})`);
  });

  it.each(['client_secret', 'assertion', 'subject_token', 'actor_token'])(
    'redact %s in an error if the response repeats it',
    async (name) => {
      endpoint.otherwise = refuse(endpoint, 400, 'invalid_grant', 'no good: open-sesame');
      const error = await thrownBy(() => token(async () => ({ [name]: 'open-sesame' })));
      expect(error.message).toContain('no good');
      expect(JSON.stringify(error)).not.toContain('open-sesame');
    },
  );

  it.each(['scope', 'subject_token_type'])(
    'show %s in an error if the response repeats it',
    async (name) => {
      endpoint.otherwise = refuse(endpoint, 400, 'invalid_grant', 'no good: open-sesame');
      const error = await thrownBy(() => token(async () => ({ [name]: 'open-sesame' })));
      expect(error.message).toContain('no good: open-sesame');
    },
  );
});

describe('A revocation', () => {
  it('cancels the body of the response unread', async () => {
    let isCancelled = false;
    endpoint.otherwise = () =>
      new Response(new ReadableStream({ cancel: () => void (isCancelled = true) }));
    const budget = new TimeBudget(runtime, DEADLINE_MS);
    const url = 'https://api.box.com/oauth2/revoke';
    await tokenAttempts().send(revocation(makeForm), { url, budget });
    expect(endpoint.received.map((request) => request.url)).toEqual([url]);
    expect(isCancelled).toBe(true);
  });
});

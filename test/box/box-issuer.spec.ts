import { beforeEach, describe, expect, it } from 'vitest';
import type { AuthEvent, Subject } from 'nestjs-box-auth';
import type { BoxAuth } from '../../lib/box/box-auth.js';
import type { BoxAuthOptions } from '../../lib/box/box-auth.options.js';
import { FakeRuntime, settled } from '../support/fake-runtime.js';
import { MemoryTokenStore } from '../support/memory-token-store.js';
import { ANN, BEN, OTHER_TENANT, TENANT, TenantBox, tenantApp } from '../support/tenant-box.js';
import { thrownBy } from '../support/thrown.js';

const MINUTE = 60_000;
const ann: Subject = { type: 'user', id: ANN, enterprise: TENANT };
const ben: Subject = { type: 'user', id: BEN, enterprise: TENANT };

let runtime: FakeRuntime;
let box: TenantBox;
beforeEach(() => {
  runtime = new FakeRuntime();
  box = new TenantBox();
});

const start = (options: Partial<BoxAuthOptions> = {}) => tenantApp(box, { runtime, ...options });
const tokenOf = ({ provider }: BoxAuth, subject: Subject) => provider.getToken({ subject });

/** The result of `work`, after time for every attempt. */
async function afterAll<T>(work: Promise<T>, ms = MINUTE): Promise<T> {
  work.catch(() => undefined);
  await runtime.advance(ms);
  return work;
}

const reply =
  (status: number, body: object = {}, headers: Record<string, string> = {}) =>
  (): Response =>
    Response.json(body, { status, headers });

/** Responds once in this way, and then as Box does. */
function once(respond: typeof box.onCheck): typeof box.onCheck {
  let isFirst = true;
  return (subject, request) => {
    const isNow = isFirst;
    isFirst = false;
    return isNow ? respond(subject, request) : undefined;
  };
}

/** Never responds, and rejects when the request is aborted. */
const silence: typeof box.onCheck = (_subject, { signal }) =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
  });

describe('The token of a user for a tenant', () => {
  it('is used once Box has named the tenant as the enterprise of the user', async () => {
    let check: Request | undefined;
    box.onCheck = (_, request) => {
      check = request;
      return undefined;
    };
    const token = await tokenOf(start(), ann);
    expect(token.subject).toEqual(ann);
    expect(check?.url).toBe('https://api.box.com/2.0/users/me?fields=enterprise');
    expect(check?.method).toBe('GET');
    expect(check?.redirect).toBe('manual');
    expect(Object.fromEntries(check?.headers ?? [])).toEqual({
      accept: 'application/json',
      authorization: `Bearer ${token.value}`,
    });
  });

  it('is checked at apiUrl', async () => {
    const urls: string[] = [];
    box.onCheck = (_, { url }) => {
      urls.push(url);
      return undefined;
    };
    await tokenOf(start({ apiUrl: 'https://proxy.example.com/box/' }), ann);
    expect(urls).toEqual(['https://proxy.example.com/box/2.0/users/me?fields=enterprise']);
  });

  it('is checked once, however many callers share it', async () => {
    const app = start();
    await Promise.all(Array.from({ length: 100 }, () => tokenOf(app, ann)));
    await tokenOf(app, ann);
    expect(box.checks).toEqual([`user:${ANN}`]);
  });

  it('is checked again after each refresh and replacement', async () => {
    const app = start();
    const first = await tokenOf(app, ann);
    app.provider.invalidate(first);
    await tokenOf(app, ann);
    await runtime.advance(60 * MINUTE);
    await tokenOf(app, ann);
    expect(box.tokenRequests).toHaveLength(3);
    expect(box.checks).toHaveLength(3);
  });

  it.each<Subject | undefined>([
    undefined,
    { type: 'enterprise', id: TENANT },
    { type: 'user', id: ANN },
  ])('is the only one that is checked: not that of %j', async (subject) => {
    await start().provider.getToken({ subject });
    expect(box.checks).toEqual([]);
  });

  it('is separate for each tenant', async () => {
    const app = start();
    const token = await tokenOf(app, ann);
    box.users.set(ANN, OTHER_TENANT);
    const moved = await tokenOf(app, { ...ann, enterprise: OTHER_TENANT });
    expect(moved.value).not.toBe(token.value);
    expect((await tokenOf(app, { type: 'user', id: ANN })).value).not.toBe(token.value);
    expect(box.tokenRequests).toHaveLength(3);
  });
});

describe('The token of a user of another enterprise', () => {
  it.each([
    ['another tenant', OTHER_TENANT],
    ['no enterprise', undefined],
  ])('is refused: %s', async (_, enterprise) => {
    box.users.set(BEN, enterprise);
    const app = start();
    const error = await thrownBy(() => tokenOf(app, ben));
    expect(error).toMatchObject({
      code: 'acting_user_invalid',
      enterprise: TENANT,
      retryable: false,
    });
    expect(error.message).toBe(`The acting user does not belong to enterprise ${TENANT}.`);
    expect(JSON.stringify(error)).not.toContain(BEN);
    expect(app.tokens.peek(ben)).toBeUndefined();
  });

  it('is not requested again for 30 s, then for twice as long', async () => {
    const app = start();
    for (const [requests, waitMs] of [30_000, 60_000].entries()) {
      await thrownBy(() => tokenOf(app, ben));
      await runtime.advance(waitMs - 1);
      expect((await thrownBy(() => tokenOf(app, ben))).code).toBe('acting_user_invalid');
      expect(box.tokenRequests).toHaveLength(requests + 1);
      await runtime.advance(1);
    }
    await thrownBy(() => tokenOf(app, ben));
    expect(box.tokenRequests).toHaveLength(3);
    expect(box.checks).toHaveLength(3);
  });

  it('affects no other subject', async () => {
    const app = start();
    await thrownBy(() => tokenOf(app, ben));
    await tokenOf(app, ann);
    await tokenOf(app, { type: 'enterprise', id: TENANT });
    await tokenOf(app, { ...ben, enterprise: OTHER_TENANT });
    await app.provider.getToken();
  });

  it('is used as soon as flush has forgotten the refusal and the user belongs to the tenant', async () => {
    const app = start();
    await thrownBy(() => tokenOf(app, ben));
    box.users.set(BEN, TENANT);
    app.provider.flush({ enterprise: TENANT });
    expect((await tokenOf(app, ben)).subject).toEqual(ben);
  });

  it('is dropped at the next refresh if the user has left', async () => {
    const app = start();
    await tokenOf(app, ann);
    box.users.set(ANN, OTHER_TENANT);
    await runtime.advance(60 * MINUTE);
    expect((await thrownBy(() => tokenOf(app, ann))).code).toBe('acting_user_invalid');
  });
});

describe('A response that names no enterprise', () => {
  it.each<[string, unknown]>([
    ['no object', {}],
    ['null', { enterprise: null }],
    ['a number', { enterprise: { id: Number(TENANT) } }],
    ['a text', { enterprise: TENANT }],
    ['a list', { enterprise: [TENANT] }],
    ['the enterprise elsewhere', { id: TENANT, type: 'enterprise' }],
  ])('refuses the token: %s', async (_, body) => {
    box.onCheck = () => Response.json(body);
    const error = await thrownBy(() => tokenOf(start(), ann));
    expect(error.code).toBe('acting_user_invalid');
  });
});

describe('A check that Box refuses', () => {
  it.each([
    [401, {}, {}, 'unauthorized'],
    [401, { message: 'Cannot authorize with this service' }, {}, 'unauthorized'],
    [403, {}, {}, 'request_refused'],
    [403, { code: 'access_denied_insufficient_permissions' }, {}, 'access_denied'],
    [403, { code: 'access_from_location_blocked' }, {}, 'access_denied'],
    [403, {}, { 'www-authenticate': 'Bearer error="insufficient_scope"' }, 'insufficient_scope'],
    [404, {}, {}, 'request_refused'],
  ])('is remembered for its user alone: status %d, %j, %j', async (status, body, headers, code) => {
    const app = start();
    box.onCheck = (subject) =>
      subject === `user:${ANN}` ? reply(status, body, headers)() : undefined;
    const error = await thrownBy(() => tokenOf(app, ann));
    expect(error).toMatchObject({ code, status, enterprise: TENANT, retryable: false });
    expect(error.message).toMatch(
      /^Enterprise 7: The enterprise of a user could not be checked: .*Box returned 40/,
    );
    await thrownBy(() => tokenOf(app, ann));
    expect(box.tokenRequests).toEqual([`user:${ANN}`]);
    box.users.set(BEN, TENANT);
    await tokenOf(app, ben);
    await tokenOf(app, { type: 'enterprise', id: TENANT });
    await app.provider.getToken();
  });

  it.each([
    [429, 'rate_limited'],
    [500, 'unavailable'],
    [503, 'unavailable'],
  ])('is retried by a later call, after its Retry-After: status %d', async (status, code) => {
    const app = start();
    box.onCheck = once(reply(status, {}, { 'retry-after': '20' }));
    const error = await thrownBy(() => tokenOf(app, ann));
    expect(error).toMatchObject({ code, status, retryable: true, retryAfterMs: 20_000 });
    await runtime.advance(19_999);
    expect((await thrownBy(() => tokenOf(app, ann))).code).toBe(code);
    expect(box.tokenRequests).toHaveLength(1);
    await runtime.advance(1);
    expect((await tokenOf(app, ann)).subject).toEqual(ann);
  });

  it('counts a date in Retry-After from the Date of the response', async () => {
    box.onCheck = reply(
      429,
      {},
      {
        date: 'Sun, 01 Mar 2020 12:00:00 GMT',
        'retry-after': 'Sun, 01 Mar 2020 12:00:20 GMT',
      },
    );
    expect((await thrownBy(() => tokenOf(start(), ann))).retryAfterMs).toBe(20_000);
  });

  it('is retryable if the token itself was refused', async () => {
    const app = start();
    box.onCheck = once(reply(401, {}, { 'www-authenticate': 'Bearer error="invalid_token"' }));
    expect(await thrownBy(() => tokenOf(app, ann))).toMatchObject({
      code: 'token_invalid',
      retryable: true,
    });
    await runtime.advance(MINUTE);
    expect((await tokenOf(app, ann)).subject).toEqual(ann);
  });

  it('shows no token, even if the response repeats it', async () => {
    box.onCheck = (_, { headers }) =>
      reply(
        403,
        { message: `No ${headers.get('authorization')}` },
        { 'box-request-id': String(headers.get('authorization')?.slice(7)) },
      )();
    const error = await thrownBy(() => tokenOf(start(), ann));
    expect(JSON.stringify(error)).not.toContain(`user:${ANN}~`);
    expect(error.requestId).toBeUndefined();
  });
});

describe('A check without a usable response', () => {
  it.each<[string, typeof box.onCheck, string]>([
    ['no JSON', () => new Response('<html>', { status: 200 }), 'response_invalid'],
    ['a list', () => Response.json([{ enterprise: { id: TENANT } }]), 'response_invalid'],
    [
      'a redirect',
      () => new Response(null, { status: 302, headers: { location: 'https://portal.example/' } }),
      'response_invalid',
    ],
    [
      'more than 64 KiB',
      () => Response.json({ enterprise: { id: TENANT }, text: 'x'.repeat(70_000) }),
      'response_invalid',
    ],
    ['a network error', () => Promise.reject(new TypeError('fetch failed')), 'network'],
    ['no Response object', () => ({}) as never, 'network'],
  ])('fails with a retryable error, and the next call succeeds: %s', async (_, respond, code) => {
    const app = start();
    box.onCheck = once(respond);
    expect(await thrownBy(() => tokenOf(app, ann))).toMatchObject({ code, retryable: true });
    expect(box.checks).toHaveLength(1);
    await runtime.advance(MINUTE);
    expect((await tokenOf(app, ann)).subject).toEqual(ann);
  });

  it('fails after the timeout of a token request, and aborts the request', async () => {
    const app = start({ tokenEndpoint: { timeoutMs: 5_000, deadlineMs: 20_000 } });
    let signal: AbortSignal | undefined;
    box.onCheck = (subject, request) => {
      ({ signal } = request);
      return silence(subject, request);
    };
    const waiting = tokenOf(app, ann);
    waiting.catch(() => undefined);
    await runtime.advance(4_999);
    expect(signal?.aborted).toBe(false);
    const error = await thrownBy(() => afterAll(waiting, 1));
    expect(error).toMatchObject({ code: 'timeout', retryable: true });
    expect(error.message).toContain('5 s');
    expect(signal?.aborted).toBe(true);
  });

  it('fails at the deadline of the token request, of which that has used a part', async () => {
    const app = start({ tokenEndpoint: { timeoutMs: 10_000, deadlineMs: 12_000 } });
    box.onToken = async () => {
      await new Promise<void>((resolve) => {
        runtime.schedule(resolve, 8_000);
      });
      return Response.json({ access_token: `user:${ANN}~1`, expires_in: 3600 });
    };
    box.onCheck = silence;
    const waiting = tokenOf(app, ann);
    waiting.catch(() => undefined);
    await runtime.advance(11_000);
    expect(box.checks).toHaveLength(1);
    expect((await thrownBy(() => afterAll(waiting, 1_000))).code).toBe('timeout');
  });

  it('is sent again after the process was frozen', async () => {
    const app = start({ tokenEndpoint: { timeoutMs: 5_000, deadlineMs: 20_000 } });
    box.onCheck = once(silence);
    const waiting = tokenOf(app, ann);
    await settled();
    runtime.freeze(10 * MINUTE);
    const token = await afterAll(waiting, 10_000);
    expect(token.subject).toEqual(ann);
    expect(box.tokenRequests).toHaveLength(1);
    expect(box.checks).toHaveLength(2);
  });

  it('is aborted by close and by flush, which requests another token', async () => {
    const app = start();
    const signals: AbortSignal[] = [];
    box.onCheck = (subject, request) => {
      signals.push(request.signal);
      return signals.length === 2 ? undefined : silence(subject, request);
    };
    const waiting = tokenOf(app, ann);
    await settled();
    app.provider.flush({ enterprise: TENANT });
    await settled();
    expect((await waiting).subject).toEqual(ann);
    expect(signals[0]?.aborted).toBe(true);
    const closing = start();
    const closed = thrownBy(() => tokenOf(closing, ann));
    await settled();
    closing.close();
    expect((await closed).code).toBe('closed');
    expect(signals[2]?.aborted).toBe(true);
  });

  it('ends for one caller with the signal of that caller', async () => {
    const app = start();
    let respond: (response: Response) => void = () => undefined;
    box.onCheck = () =>
      new Promise((resolve) => {
        respond = resolve;
      });
    const aborting = new AbortController();
    const [leaving, staying] = [
      app.provider.getToken({ subject: ann, signal: aborting.signal }),
      tokenOf(app, ann),
    ];
    await settled();
    const reason = new Error('The caller left.');
    aborting.abort(reason);
    await expect(leaving).rejects.toBe(reason);
    respond(Response.json({ enterprise: { id: TENANT } }));
    expect((await staying).subject).toEqual(ann);
    expect(box.checks).toHaveLength(1);
  });
});

describe('In a fleet', () => {
  it('a token is checked by the process that requested it, and by no other', async () => {
    const store = new MemoryTokenStore(runtime);
    const members = Array.from({ length: 5 }, () => start({ store }));
    const tokens = [];
    for (const member of members) tokens.push(await tokenOf(member, ann));
    expect(new Set(tokens.map(({ value }) => value)).size).toBe(1);
    expect(box.checks).toEqual([`user:${ANN}`]);
  });

  it('a stored token is for one tenant, also if a user has several', async () => {
    const store = new MemoryTokenStore(runtime);
    const [one, other] = [start({ store }), start({ store })];
    const token = await tokenOf(one, ann);
    const error = await thrownBy(() => tokenOf(other, { ...ann, enterprise: OTHER_TENANT }));
    expect(error.code).toBe('acting_user_invalid');
    const withoutTenant = await tokenOf(other, { type: 'user', id: ANN });
    expect(withoutTenant.value).not.toBe(token.value);
    expect((await tokenOf(other, ann)).value).toBe(token.value);
  });

  it('a token of a user of another enterprise is not stored', async () => {
    const store = new MemoryTokenStore(runtime);
    await thrownBy(() => tokenOf(start({ store }), ben));
    await thrownBy(() => tokenOf(start({ store }), ben));
    expect(box.tokenRequests).toHaveLength(2);
    expect(box.checks).toHaveLength(2);
  });
});

describe('The event of a refused user', () => {
  it('names the tenant and no user', async () => {
    const app = start();
    const events: AuthEvent[] = [];
    app.events.subscribe((event) => events.push(event));
    await thrownBy(() => tokenOf(app, ben));
    expect(events).toMatchObject([
      {
        kind: 'mint',
        outcome: 'failed',
        subjectType: 'user',
        isOwn: false,
        enterprise: TENANT,
        error: { code: 'acting_user_invalid' },
      },
    ]);
    expect(JSON.stringify(events)).not.toContain(BEN);
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RunForOptions, Subject } from 'nestjs-box-auth';
import type { BoxAuth } from '../../lib/box/box-auth.js';
import type { BoxAuthOptions } from '../../lib/box/box-auth.options.js';
import { currentActing } from '../../lib/core/acting/acting.context.js';
import { MemoryTokenStore } from '../support/memory-token-store.js';
import { FakeRuntime, settled } from '../support/fake-runtime.js';
import {
  ANN,
  BEN,
  OTHER_TENANT,
  OWN,
  TENANT,
  TenantBox,
  tenantApp,
  unauthorized,
} from '../support/tenant-box.js';
import { thrownBy } from '../support/thrown.js';

const HOUR = 3_600_000;
const ofTenant: Subject = { type: 'enterprise', id: TENANT };
const ofOther: Subject = { type: 'enterprise', id: OTHER_TENANT };
const STRANGER: Subject = { type: 'enterprise', id: '9' };

let runtime: FakeRuntime;
let box: TenantBox;
const open = new Set<BoxAuth>();
beforeEach(() => {
  runtime = new FakeRuntime();
  box = new TenantBox();
});
afterEach(() => {
  for (const app of open) app.close();
  open.clear();
});

function start(options: Partial<BoxAuthOptions> = {}): BoxAuth {
  const app = tenantApp(box, { runtime, ...options });
  open.add(app);
  return app;
}

/** Calls Box, and returns the subject of the token and the acting user that it saw. */
const seen = async ({ fetch }: BoxAuth): Promise<unknown> => {
  const { token, asUser } = (await (await fetch('/2.0/folders/0')).json()) as {
    token: string;
    asUser?: string;
  };
  return asUser === undefined ? token : [token, asUser];
};

describe('runFor', () => {
  it('makes the calls of its function for the enterprise, and for a user of it', async () => {
    const app = start();
    const { provider } = app;
    expect(await provider.runFor({ enterprise: TENANT }, () => seen(app))).toBe('enterprise:7');
    expect(await provider.runFor({ enterprise: TENANT, user: ANN }, () => seen(app))).toEqual([
      'enterprise:7',
      ANN,
    ]);
    expect(await provider.runFor({ enterprise: OTHER_TENANT }, () => seen(app))).toBe(
      'enterprise:8',
    );
    expect(await seen(app)).toBe('enterprise:1');
    expect(box.tokenRequests).toEqual(['enterprise:7', 'enterprise:8', 'enterprise:1']);
  });

  it('is kept across timers, and does not mix concurrent jobs', async () => {
    const app = start();
    const job = (enterprise: string, user: string) =>
      app.provider.runFor({ enterprise, user }, async () => {
        const first = await seen(app);
        await settled();
        return [first, await seen(app)];
      });
    const jobs = Array.from({ length: 20 }, (_, n) =>
      n % 2 === 0 ? job(TENANT, ANN) : job(OTHER_TENANT, BEN),
    );
    const results = await Promise.all(jobs);
    for (const [n, result] of results.entries()) {
      const one = n % 2 === 0 ? ['enterprise:7', ANN] : ['enterprise:8', BEN];
      expect(result).toEqual([one, one]);
    }
    expect(box.tokenRequests).toHaveLength(2);
  });

  it('returns the result of its function, also of one that is not async', async () => {
    const { provider } = start();
    const result = {};
    expect(await provider.runFor({ enterprise: TENANT }, () => result)).toBe(result);
    expect(await provider.runFor({ enterprise: TENANT }, () => Promise.resolve(result))).toBe(
      result,
    );
  });

  it('rejects with the error of its function, unchanged', async () => {
    const { provider } = start();
    const error = new Error('The job failed.');
    const thrown = provider.runFor({ enterprise: TENANT }, () => {
      throw error;
    });
    await expect(thrown).rejects.toBe(error);
    const rejected = provider.runFor({ enterprise: TENANT }, () => Promise.reject(error));
    await expect(rejected).rejects.toBe(error);
  });

  it.each<[string, unknown, string]>([
    ['no options', undefined, 'option_invalid'],
    ['no enterprise', {}, 'enterprise_missing'],
    ['an enterprise of undefined', { enterprise: undefined }, 'enterprise_missing'],
    ['a number', { enterprise: 7 }, 'enterprise_not_allowed'],
    ['an enterprise that is not a tenant', { enterprise: '9' }, 'enterprise_not_allowed'],
    ['a user of undefined', { enterprise: TENANT, user: undefined }, 'acting_user_invalid'],
    ['an unknown option', { enterprise: TENANT, usr: ANN }, 'option_invalid'],
  ])('rejects %s before its function runs', async (_, options, code) => {
    const { provider } = start();
    const fn = vi.fn<() => void>();
    // A promise, so that `.catch` works.
    const running = provider.runFor(options as RunForOptions, fn);
    expect((await thrownBy(() => running)).code).toBe(code);
    expect(fn).not.toHaveBeenCalled();
    expect(box.tokenRequests).toEqual([]);
  });

  it('serves the enterprise of the credentials without the option `tenants`, and no other', async () => {
    const app = start({ tenants: undefined });
    expect(await app.provider.runFor({ enterprise: OWN }, () => seen(app))).toBe('enterprise:1');
    const error = await thrownBy(() => app.provider.runFor({ enterprise: TENANT }, () => 1));
    expect(error).toMatchObject({ code: 'enterprise_not_allowed', enterprise: TENANT });
  });

  it('asks a function `tenants` once for a job, and again for the next', async () => {
    const tenants = vi.fn<(id: string) => Promise<boolean>>(async (id) => id === TENANT);
    const app = start({ tenants });
    const job = () =>
      app.provider.runFor({ enterprise: TENANT }, async () => {
        await seen(app);
        await seen(app);
        await app.provider.getToken();
        await app.provider.runFor({ enterprise: TENANT }, () => seen(app));
      });
    await job();
    expect(tenants.mock.calls).toEqual([[TENANT]]);
    await job();
    expect(tenants).toHaveBeenCalledTimes(2);
    expect(
      (await thrownBy(() => app.provider.runFor({ enterprise: OTHER_TENANT }, () => 1))).code,
    ).toBe('enterprise_not_allowed');
  });
});

describe('Nested decisions', () => {
  it('runAs keeps the enterprise of runFor', async () => {
    const app = start();
    const { provider } = app;
    const inner = provider.runFor({ enterprise: TENANT }, async () => [
      await provider.runAs(ANN, () => seen(app)),
      await seen(app),
    ]);
    expect(await inner).toEqual([['enterprise:7', ANN], 'enterprise:7']);
  });

  it('runFor drops the user of runAs and of an outer runFor', async () => {
    const app = start();
    const { provider } = app;
    const outer = provider.runAs('11', () =>
      provider.runFor({ enterprise: TENANT }, async () => [
        await seen(app),
        await provider.runFor({ enterprise: OTHER_TENANT, user: BEN }, () =>
          provider.runFor({ enterprise: TENANT }, () => seen(app)),
        ),
      ]),
    );
    expect(await outer).toEqual(['enterprise:7', 'enterprise:7']);
  });

  it('an inner runFor that is refused leaves the outer one unchanged', async () => {
    const app = start();
    const { provider } = app;
    const outer = provider.runFor({ enterprise: TENANT, user: ANN }, async () => {
      await thrownBy(() => provider.runFor({ enterprise: '9' }, () => 1));
      return seen(app);
    });
    expect(await outer).toEqual(['enterprise:7', ANN]);
  });

  it('another app follows the enterprise, if it serves that', async () => {
    const app = start();
    const [twin, single] = [start(), start({ tenants: undefined })];
    await app.provider.runFor({ enterprise: TENANT, user: ANN }, async () => {
      expect(await seen(twin)).toEqual(['enterprise:7', ANN]);
      expect(await thrownBy(() => seen(single))).toMatchObject({
        code: 'enterprise_not_allowed',
        enterprise: TENANT,
      });
    });
    expect(box.calls.map(({ token }) => token)).toEqual(['enterprise:7']);
  });
});

describe('The methods of the provider', () => {
  it('are for the current enterprise', async () => {
    const { provider, apiUrl } = start();
    await provider.runFor({ enterprise: TENANT, user: ANN }, async () => {
      const token = await provider.getToken();
      expect(token.subject).toEqual(ofTenant);
      expect(provider.peekToken()).toBe(token);
      expect(await provider.getHeaders(`${apiUrl}/2.0/users/me`)).toEqual({
        authorization: `Bearer ${token.value}`,
        'as-user': ANN,
      });
      const tokens: unknown[] = [];
      provider.token$().subscribe((next) => tokens.push(next));
      await settled();
      expect(tokens).toEqual([token]);
      await provider.revoke();
      expect(provider.peekToken()).toBeUndefined();
      await provider.getToken();
      await settled();
      expect(tokens).toHaveLength(2);
    });
    expect(provider.peekToken()).toBeUndefined();
    expect(box.revoked).toEqual(['enterprise:7']);
    expect(box.tokenRequests).toEqual(['enterprise:7', 'enterprise:7']);
  });

  it('are for the enterprise of the credentials outside of runFor', async () => {
    const { provider } = start();
    await provider.getToken({ subject: ofTenant });
    expect(provider.peekToken()).toBeUndefined();
    expect((await provider.getToken()).subject).toEqual({ type: 'enterprise', id: OWN });
    expect(provider.peekToken(ofTenant)?.subject).toEqual(ofTenant);
  });

  it('give a user that the caller names the current enterprise, and check it once', async () => {
    const { provider } = start();
    const ann: Subject = { type: 'user', id: ANN };
    await provider.runFor({ enterprise: TENANT }, async () => {
      const token = await provider.getToken({ subject: ann });
      expect(token.subject).toEqual({ ...ann, enterprise: TENANT });
      expect(provider.peekToken(ann)).toBe(token);
      await provider.revoke(ann);
      expect(provider.peekToken(ann)).toBeUndefined();
    });
    await provider.getToken({ subject: ann });
    expect(box.checks).toEqual([`user:${ANN}`]);
    expect(box.revoked).toEqual([`user:${ANN}`]);
    expect(box.tokenRequests).toEqual([`user:${ANN}`, `user:${ANN}`]);
  });

  it('refuse a user of another enterprise', async () => {
    const { provider } = start();
    const error = await thrownBy(() =>
      provider.runFor({ enterprise: TENANT }, () =>
        provider.getToken({ subject: { type: 'user', id: BEN } }),
      ),
    );
    expect(error).toMatchObject({ code: 'acting_user_invalid', enterprise: TENANT });
  });

  it('downscope a token of the enterprise, or of a user who belongs to it', async () => {
    const { provider } = start();
    const request = { scopes: ['base_preview'] };
    await provider.runFor({ enterprise: TENANT }, async () => {
      expect((await provider.downscope(request)).subject).toEqual(ofTenant);
    });
    await provider.runFor({ enterprise: TENANT, user: ANN }, async () => {
      const { subject } = await provider.downscope(request);
      expect(subject).toEqual({ type: 'user', id: ANN, enterprise: TENANT });
    });
    await provider.runFor({ enterprise: TENANT, user: BEN }, async () => {
      expect((await thrownBy(() => provider.downscope(request))).code).toBe('acting_user_invalid');
    });
    expect(box.tokenRequests).toEqual([
      'enterprise:7',
      'downscoped:enterprise:7',
      `user:${ANN}`,
      `downscoped:user:${ANN}`,
      `user:${BEN}`,
    ]);
    expect(box.checks).toEqual([`user:${ANN}`, `user:${BEN}`]);
  });

  const strangers: Subject[] = [STRANGER, { type: 'user', id: ANN, enterprise: '9' }];

  it.each(strangers)(
    'check a subject against `tenants` before any request: %j',
    async (subject) => {
      const { provider, tokens } = start();
      await tokens.get({ subject: STRANGER });
      box.clear();
      const calls: Record<string, () => unknown> = {
        getToken: () => provider.getToken({ subject }),
        downscope: () => provider.downscope({ subject, scopes: ['base_preview'] }),
        revoke: () => provider.revoke(subject),
        token$: () =>
          new Promise((resolve, reject) => {
            provider.token$(subject).subscribe({ next: resolve, error: reject });
          }),
      };
      for (const [name, call] of Object.entries(calls)) {
        const error = await thrownBy(call);
        expect(error, name).toMatchObject({ code: 'enterprise_not_allowed', enterprise: '9' });
      }
      expect(provider.peekToken(subject)).toBeUndefined();
      expect([box.tokenRequests, box.revoked]).toEqual([[], []]);
    },
  );

  it('accept every subject without the option `tenants`', async () => {
    const { provider } = start({ tenants: undefined });
    const token = await provider.getToken({ subject: STRANGER });
    expect(provider.peekToken(STRANGER)).toBe(token);
    await provider.revoke(STRANGER);
    expect(box.revoked).toEqual(['enterprise:9']);
  });

  it('call no function `tenants` for peekToken, which knows what the request has asked', async () => {
    const tenants = vi.fn<() => boolean>(() => true);
    const { provider } = start({ tenants });
    await provider.runFor({ enterprise: TENANT }, async () => {
      const token = await provider.getToken();
      expect(provider.peekToken()).toBe(token);
      expect(provider.peekToken(ofTenant)).toBe(token);
      expect(provider.peekToken(ofOther)).toBeUndefined();
    });
    expect(provider.peekToken(ofTenant)).toBeUndefined();
    expect(tenants).toHaveBeenCalledTimes(1);
  });
});

describe('token$', () => {
  it('sends nothing and rejects nothing until it is subscribed', async () => {
    const unhandled = vi.fn<(reason: unknown) => void>();
    process.on('unhandledRejection', unhandled);
    const { provider } = start();
    provider.token$(STRANGER);
    provider.token$(ofTenant);
    await settled();
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
    expect(box.tokenRequests).toEqual([]);
  });

  it('is for the enterprise of the code that called it, wherever it is subscribed', async () => {
    const { provider } = start();
    const token$ = await provider.runFor({ enterprise: TENANT }, () => provider.token$());
    const subjects: Subject[] = [];
    await provider.runFor({ enterprise: OTHER_TENANT }, () => {
      token$.subscribe(({ subject }) => subjects.push(subject));
    });
    await settled();
    expect(subjects).toEqual([ofTenant]);
  });

  it('fails if the enterprise is not a tenant any more', async () => {
    let isTenant = true;
    const { provider } = start({ tenants: () => isTenant });
    isTenant = false;
    const error = await thrownBy(
      () =>
        new Promise((_, reject) => {
          provider.token$(ofTenant).subscribe({ error: reject });
        }),
    );
    expect(error.code).toBe('enterprise_not_allowed');
  });
});

describe('A function `tenants` that does not return', () => {
  const never = () => new Promise<boolean>(() => undefined);

  it.each<[string, (app: BoxAuth, signal: AbortSignal) => Promise<unknown>]>([
    ['getToken', ({ provider }, signal) => provider.getToken({ subject: ofTenant, signal })],
    [
      'downscope',
      ({ provider }, signal) =>
        provider.downscope({ subject: ofTenant, signal, scopes: ['base_preview'] }),
    ],
  ])('ends with the signal of %s', async (_, call) => {
    const aborting = new AbortController();
    const waiting = call(start({ tenants: never }), aborting.signal);
    const reason = new Error('The caller left.');
    aborting.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(box.tokenRequests).toEqual([]);
  });

  it.each<[string, (app: BoxAuth, signal: AbortSignal) => Promise<unknown>]>([
    ['fetch', ({ fetch }, signal) => fetch('/2.0/users/me', { signal })],
    [
      'getHeaders',
      ({ provider, apiUrl }, signal) => provider.getHeaders(`${apiUrl}/2.0/users/me`, { signal }),
    ],
  ])('ends with the signal of %s of another app', async (_, call) => {
    const [app, other] = [start(), start({ tenants: never })];
    const aborting = new AbortController();
    const waiting = app.provider.runFor({ enterprise: TENANT }, () => call(other, aborting.signal));
    await settled();
    const reason = new Error('The caller left.');
    aborting.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(box.tokenRequests).toEqual([]);
  });
});

describe('The option `tenantRequired`', () => {
  it('refuses every call without a tenant, before any request', async () => {
    const app = start({ tenantRequired: true });
    const { provider, apiUrl } = app;
    await app.tokens.get();
    box.clear();
    const calls: Record<string, () => unknown> = {
      fetch: () => seen(app),
      getToken: () => provider.getToken(),
      'getToken of a user': () => provider.getToken({ subject: { type: 'user', id: ANN } }),
      getHeaders: () => provider.getHeaders(`${apiUrl}/2.0/users/me`),
      downscope: () => provider.downscope({ scopes: ['base_preview'] }),
      revoke: () => provider.revoke(),
      'fetch in runAs': () => provider.runAs(ANN, () => seen(app)),
    };
    for (const [name, call] of Object.entries(calls)) {
      expect((await thrownBy(call)).code, name).toBe('enterprise_missing');
    }
    expect(provider.peekToken()).toBeUndefined();
    expect([box.tokenRequests, box.calls, box.revoked]).toEqual([[], [], []]);
    expect(await provider.runFor({ enterprise: TENANT }, () => seen(app))).toBe('enterprise:7');
  });

  it('leaves calls with a token of the caller to the caller', async () => {
    const { fetch } = start({ tenantRequired: true });
    await fetch('/2.0/users/me', { headers: { authorization: 'Bearer mine' } });
    expect(box.calls.map(({ token }) => token)).toEqual(['mine']);
  });

  it('refuses a subject that is not a tenant, even that of the credentials', async () => {
    const { provider } = start({ tenantRequired: true });
    const own: Subject = { type: 'enterprise', id: OWN };
    expect((await thrownBy(() => provider.getToken({ subject: own }))).code).toBe(
      'enterprise_not_allowed',
    );
    expect((await provider.getToken({ subject: ofTenant })).subject).toEqual(ofTenant);
  });

  it('keeps the tokens of `keepWarm` fresh, those of users with their enterprise', async () => {
    const app = start({
      tenantRequired: true,
      keepWarm: ['own', ofTenant, { type: 'user', id: ANN, enterprise: TENANT }],
    });
    app.keepWarm();
    await runtime.advance(1_000);
    expect(box.tokenRequests.toSorted()).toEqual(['enterprise:1', 'enterprise:7', 'user:71']);
    expect(box.checks).toEqual(['user:71']);
    await runtime.advance(HOUR);
    expect(box.tokenRequests).toHaveLength(6);
    expect(box.checks).toEqual(['user:71', 'user:71']);
  });
});

describe('flush', () => {
  const all: Subject[] = [
    ofTenant,
    { type: 'user', id: ANN, enterprise: TENANT },
    ofOther,
    { type: 'enterprise', id: OWN },
  ];
  const subjects = ['enterprise:7', 'user:71', 'enterprise:8', 'enterprise:1'];

  /** The subjects whose tokens are requested anew. */
  async function requestedBy(app: BoxAuth): Promise<string[]> {
    box.clear();
    for (const subject of all) await app.tokens.get({ subject });
    return box.tokenRequests;
  }

  it('forgets the tokens of one enterprise and its users, and no others', async () => {
    const app = start();
    expect(await requestedBy(app)).toEqual(subjects);
    app.provider.flush({ enterprise: TENANT });
    expect(await requestedBy(app)).toEqual(['enterprise:7', 'user:71']);
    app.provider.flush({ enterprise: OWN });
    expect(await requestedBy(app)).toEqual(['enterprise:1']);
    app.provider.flush({ enterprise: '9' });
    expect(await requestedBy(app)).toEqual([]);
    app.provider.flush();
    expect(await requestedBy(app)).toEqual(subjects);
    app.provider.flush({});
    expect(await requestedBy(app)).toEqual(subjects);
  });

  it('ignores the stored tokens of one enterprise, and those of all after a flush of all', async () => {
    const store = new MemoryTokenStore(runtime);
    const fill = start({ store });
    expect(await requestedBy(fill)).toEqual(subjects);
    await runtime.advance(1_000);
    const app = start({ store });
    expect(await requestedBy(app)).toEqual([]);
    app.provider.flush({ enterprise: TENANT });
    expect(await requestedBy(app)).toEqual(['enterprise:7', 'user:71']);
    await runtime.advance(1_000);
    // The other process takes the new tokens once it forgets its own.
    fill.provider.flush({ enterprise: OTHER_TENANT });
    expect(await requestedBy(fill)).toEqual(['enterprise:8']);
    app.provider.flush();
    expect(await requestedBy(app)).toEqual(subjects);
  });

  it('forgets the refusals of one enterprise', async () => {
    const app = start();
    box.onToken = unauthorized;
    for (const subject of [ofTenant, ofOther]) {
      expect((await thrownBy(() => app.provider.getToken({ subject }))).code).toBe(
        'app_not_authorized',
      );
    }
    box.clear();
    app.provider.flush({ enterprise: TENANT });
    await app.provider.getToken({ subject: ofTenant });
    await thrownBy(() => app.provider.getToken({ subject: ofOther }));
    expect(box.tokenRequests).toEqual(['enterprise:7']);
  });

  it.each([
    [undefined, 'enterprise_missing'],
    [null, 'enterprise_missing'],
    [7, 'enterprise_not_allowed'],
    ['', 'enterprise_not_allowed'],
  ])('of the enterprise %j forgets nothing and fails', async (enterprise, code) => {
    const app = start();
    await app.provider.getToken();
    const error = await thrownBy(() => app.provider.flush({ enterprise: enterprise as never }));
    expect(error.code).toBe(code);
    expect(app.provider.peekToken()).toBeDefined();
  });
});

describe('A developer token as the credentials', () => {
  it('serves calls without a tenant only', async () => {
    const app = start({ credentials: { developerToken: 'theirs' } });
    expect(await seen(app)).toBe('theirs');
    const call = () => app.provider.runFor({ enterprise: TENANT }, () => seen(app));
    expect((await thrownBy(call)).code).toBe('subject_unsupported');
    expect(box.calls).toHaveLength(1);
  });
});

describe('The context of a job', () => {
  it('does not leak into the token requests that other callers share', async () => {
    let isInContext: boolean | undefined;
    const app = start();
    box.onToken = () => {
      isInContext = currentActing(app.policy) !== undefined;
      return undefined;
    };
    await app.provider.runFor({ enterprise: TENANT }, () => app.provider.getToken());
    expect(isInContext).toBe(false);
  });
});

/* oxlint-disable vitest/no-standalone-expect -- the model contains the expectations, and the spec runs it */
import { expect } from 'vitest';
import { BoxAuthError } from 'nestjs-box-auth';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { runInActingContext } from '../../lib/core/acting/acting.context.js';
import { FakeRuntime } from '../support/fake-runtime.js';
import { MemoryTokenStore } from '../support/memory-token-store.js';
import {
  type ArrivedCall,
  type Requested,
  SimulatedBox,
  type TokenFault,
} from './simulated-box.js';

/** The enterprise of the credentials. */
const OWN = '1';
export const TENANTS = [OWN, '7', '8', '9'] as const;
/** It has authorized the app at Box, but the option `tenants` does not contain it. */
export const STRANGER = '6';
/** A user without an enterprise. */
const LONER = '5';
const users = new Map<string, string | undefined>([
  ...[...TENANTS, STRANGER].flatMap((id) => [[`${id}01`, id] as const, [`${id}02`, id] as const]),
  [LONER, undefined],
]);
export const USERS = [...users.keys()];

/** Two processes of one app, and another app in the first process. */
const CLIENTS = ['one', 'one', 'other'] as const;
export type AppIndex = 0 | 1 | 2;

const TENANT_REFUSED_MS = 30_000;
const MAX_REFUSED_MS = 300_000;
const MAX_BACKOFF_MS = 60_000;
/** After a refused token was replaced, its replacement is kept for this long. */
const REPLACEMENT_MS = 10_000;
/** How long a pause after a 429 may go on after its `Retry-After`. */
const AFTER_LIMIT_MS = 90_000;
/** The longest wait for another process that requests the same token. */
const STORE_WAIT_MS = 2_000;
/** After a 429, requests are sent one after another, at a limited pace. */
const PACED_WAIT_MS = 30_000;
const MAX_TICKS = 300;

/** A part of a program: it selects the enterprise or the user of the parts inside it. */
export type Frame =
  | {
      readonly by: 'request';
      readonly enterprise?: string;
      readonly user?: { readonly id: string; readonly via: 'header' | 'token' };
    }
  | {
      readonly by: 'runFor';
      readonly app: AppIndex;
      readonly enterprise: string;
      readonly user?: string;
    }
  | { readonly by: 'runAs'; readonly app: AppIndex; readonly user: string };

/** How an app gets the token of a call. */
export type Means =
  | { readonly by: 'fetch' | 'getHeaders' | 'getToken' | 'downscope' | 'peekToken' }
  | { readonly by: 'userToken'; readonly user: string }
  | { readonly by: 'namedToken'; readonly enterprise: string };

export interface Call {
  readonly app: AppIndex;
  readonly means: Means;
  /** How many times it yields to other programs before the call. */
  readonly yields: number;
}

/** Code of the app: calls, and frames around calls. */
export type Program = readonly (Call | { readonly frame: Frame; readonly inside: Program })[];

/** What a test chooses once for a history. */
export interface Setting {
  readonly tenants: 'list' | 'function';
  readonly removal: 'unauthorized_client' | 'invalid_grant';
  readonly sharesTokens: boolean;
  readonly maxSubjects: number;
  /** The result of `random` of the runtime. */
  readonly random: number;
}

/** The decisions around a call. Computed from the frames alone. */
interface Decisions {
  readonly everyApp?: Decision | undefined;
  readonly ofApp: ReadonlyMap<AppIndex, Decision>;
  readonly last?: Decision | undefined;
  /** The tenants when the request or job began. */
  readonly admitted: ReadonlySet<string>;
}

interface Decision {
  readonly enterprise?: string | undefined;
  readonly user?: { readonly id: string; readonly via: 'header' | 'token' } | undefined;
}

/** What a call must look like. */
interface Expected extends Decision {
  readonly app: AppIndex;
  /** The tenants that the app may serve in this call: the current ones, and those when the request or job began. */
  readonly admitted: ReadonlySet<string>;
  readonly isTenant: boolean;
}

interface Pending {
  readonly description: string;
  readonly expected: Expected;
  /** Whether the client of the call replaces a token that Box refuses. */
  readonly replacesToken: boolean;
  /** Whether a failure concerned the call when it began. */
  readonly mayFail: boolean;
  outcome: unknown;
}

/**
 * Several apps of several enterprises, and the expectations that hold in any history. The model does not know how tokens and
 * refusals are cached. It only knows who called, what Box received, and which faults of Box concern whom.
 */
export class TenantIsolation {
  readonly runtime = new FakeRuntime();
  readonly box: SimulatedBox;
  readonly #apps: readonly BoxAuth[];
  readonly #tenants = new Set<string>(TENANTS);
  readonly #calls: Pending[] = [];
  readonly #programs: Promise<void>[] = [];
  readonly #violations: unknown[] = [];
  /** Until when a failure of its own may affect an enterprise, a user, or an app. */
  readonly #enterpriseFailsUntil = new Map<string, number>();
  readonly #userFailsUntil = new Map<string, number>();
  readonly #appFailsUntil = new Map<AppIndex, number>();
  readonly #slowRequests = new Map<string, number>();
  readonly #pacedClients = new Set<string>();
  #succeeded = 0;

  constructor(private readonly setting: Setting) {
    this.runtime.randomValue = setting.random;
    this.box = new SimulatedBox(this.runtime, users, setting.removal);
    this.box.onCall = (call) => this.#note(() => this.#checkCall(call));
    this.box.onTokenRequest = (request) => this.#note(() => this.#checkRequest(request));
    this.box.onFault = (fault) => this.#learnFault(fault);
    this.box.onSlow = (enterprise, isOver) => this.#learnSlow(enterprise, isOver);
    const store = new MemoryTokenStore(this.runtime);
    this.#apps = CLIENTS.map(
      (clientId) =>
        new BoxAuth({
          credentials: { clientId, clientSecret: 'a secret', enterpriseId: OWN },
          tenants: setting.tenants === 'list' ? TENANTS : async (id) => this.#tenants.has(id),
          fetch: this.box.fetch,
          runtime: this.runtime,
          maxSubjects: setting.maxSubjects,
          ...(setting.sharesTokens && { store }),
        }),
    );
  }

  /** How many calls succeeded. */
  get succeeded(): number {
    return this.#succeeded;
  }

  /** Runs programs concurrently. Calls that no failure concerns must succeed without waiting for time to pass. */
  async run(programs: readonly Program[]): Promise<void> {
    const first = this.#calls.length;
    for (const program of programs) {
      const decisions: Decisions = { ofApp: new Map(), admitted: new Set(this.#tenants) };
      const work = this.#execute(program, decisions);
      this.#programs.push(work.catch((error: unknown) => void this.#violations.push(error)));
    }
    await this.#untilDone(first, 0);
    if (this.#healthyWaiting(first).length > 0) await this.#untilDone(first, this.#maxWaitMs);
    expect(
      this.#healthyWaiting(first).map(({ description }) => description),
      'a call waits for the failure of another enterprise, user or app',
    ).toEqual([]);
    this.verify();
  }

  /** The admin of an enterprise removes the app: Box revokes its tokens. */
  remove(enterprise: string): void {
    this.box.removed.add(enterprise);
    this.revoke(enterprise);
  }

  authorize(enterprise: string): void {
    if (!this.box.removed.delete(enterprise)) return;
    this.#fails(this.#enterpriseFailsUntil, enterprise, REPLACEMENT_MS);
  }

  /** Box revokes the tokens of an enterprise. */
  revoke(enterprise: string): void {
    this.box.revoke(enterprise);
    this.#fails(this.#enterpriseFailsUntil, enterprise, REPLACEMENT_MS);
  }

  /** An enterprise removes the app while calls for it go on, and authorizes it again after `forMs`. */
  async removeFor(enterprise: string, forMs: number): Promise<void> {
    this.remove(enterprise);
    for (let passedMs = 0; passedMs < forMs; passedMs += 10_000) {
      await this.run(callsFor(enterprise));
      await this.advance(10_000);
    }
    await this.recover(enterprise);
  }

  /** An enterprise authorizes the app again. Apps must serve it within 30 s of traffic, if nothing else fails. */
  async recover(enterprise: string): Promise<void> {
    this.authorize(enterprise);
    this.box.unavailable.delete(enterprise);
    this.box.slow.delete(enterprise);
    this.#tenants.add(enterprise);
    const isLonger = (until = 0) => until > this.runtime.monotonic() + TENANT_REFUSED_MS;
    const isUnavailable = isLonger(this.#enterpriseFailsUntil.get(enterprise));
    for (let passedMs = 0; passedMs < TENANT_REFUSED_MS; passedMs += 5_000) {
      await this.run(callsFor(enterprise));
      await this.advance(5_000);
    }
    const first = this.#calls.length;
    await this.run(callsFor(enterprise));
    if (isUnavailable) return;
    const failed = this.#calls
      .slice(first)
      .filter(({ outcome }) => outcome !== 200)
      .filter(({ expected }) => !this.#isAppFailing(expected.app) && !this.#isUserFailing(expected))
      .map(({ description }) => description);
    expect(failed, 'an enterprise did not recover within 30 s').toEqual([]);
  }

  /** Forgets the tokens and the refusals of one enterprise, after its admin authorized the app. */
  flush(enterprise: string): void {
    const others = TENANTS.filter((id) => id !== enterprise);
    const tokens = () =>
      this.#apps.map((app) => others.map((id) => app.tokens.peek({ type: 'enterprise', id })));
    const before = tokens();
    for (const { provider } of this.#apps) provider.flush({ enterprise });
    expect(tokens(), 'a flush affected another enterprise').toEqual(before);
    this.#enterpriseFailsUntil.delete(enterprise);
    // The store keeps the pause after a failed request.
    this.#fails(this.#enterpriseFailsUntil, enterprise, this.#storeWaitMs);
  }

  flushAll(): void {
    for (const { provider } of this.#apps) provider.flush();
    for (const app of [0, 1, 2] as const) {
      if (!this.#pacedClients.has(CLIENTS[app])) this.#appFailsUntil.delete(app);
    }
    this.#enterpriseFailsUntil.clear();
    this.#userFailsUntil.clear();
    for (const enterprise of TENANTS) {
      this.#fails(this.#enterpriseFailsUntil, enterprise, this.#storeWaitMs);
    }
  }

  /** Box rejects the token requests of a client for a while. */
  limit(client: string, forMs: number): void {
    this.box.limitedUntil.set(client, this.runtime.monotonic() + forMs);
  }

  /** The function `tenants` returns true for an enterprise, or not. */
  list(enterprise: string, isListed: boolean): void {
    if (this.setting.tenants === 'list') return;
    if (isListed) this.#tenants.add(enterprise);
    else this.#tenants.delete(enterprise);
  }

  async advance(ms: number): Promise<void> {
    await this.runtime.advance(ms);
    this.verify();
  }

  /** Throws the first violation that was found outside of a step. */
  verify(): void {
    if (this.#violations.length > 0) throw this.#violations[0];
  }

  /** Checks that every call ends, that memory is bounded, and that no timer is left. */
  async end(): Promise<void> {
    this.box.slow.clear();
    await this.advance(120_000);
    await this.advance(120_000);
    const waiting = this.#calls.filter(({ outcome }) => outcome === undefined);
    expect(
      waiting.map(({ description }) => description),
      'a call never ends',
    ).toEqual([]);
    await Promise.all(this.#programs);
    this.verify();
    const { maxSubjects } = this.setting;
    for (const { tokens } of this.#apps) {
      const subjects = [
        ...[...TENANTS, STRANGER].map((id) => ({ type: 'enterprise', id }) as const),
        ...USERS.flatMap((id) =>
          [...TENANTS, STRANGER, undefined].map(
            (enterprise) => ({ type: 'user', id, enterprise }) as const,
          ),
        ),
      ];
      const cached = new Set(subjects.map((subject) => tokens.peek(subject)));
      cached.delete(undefined);
      expect(cached.size, 'too many tokens are cached').toBeLessThanOrEqual(maxSubjects + 1);
    }
    for (const app of this.#apps) app.close();
    await ticks(3);
    expect(this.runtime.timers).toBe(0);
  }

  async #execute(program: Program, decisions: Decisions): Promise<void> {
    for (const part of program) {
      if ('frame' in part) await this.#enter(part.frame, part.inside, decisions);
      else await this.#call(part, decisions);
    }
  }

  async #enter(frame: Frame, inside: Program, outer: Decisions): Promise<void> {
    const decisions = decisionsIn(frame, outer);
    const work = () => this.#execute(inside, decisions);
    switch (frame.by) {
      case 'request':
        await runInActingContext({ source: {}, ...decisionOf(frame) }, work);
        return;
      case 'runAs':
        await this.#app(frame.app).provider.runAs(frame.user, work);
        return;
      case 'runFor': {
        const { app, by: _, ...options } = frame;
        const isListed = this.#tenants.has(options.enterprise);
        const isAdmitted = isListed || outer.admitted.has(options.enterprise);
        let hasBegun = false;
        const run = this.#app(app).provider.runFor(options, () => {
          hasBegun = true;
          return work();
        });
        await run.catch((error: unknown) => {
          if (hasBegun) throw error;
          expect(codeOf(error)).toBe('enterprise_not_allowed');
          expect(isListed, 'runFor refused a tenant').toBe(false);
        });
        if (hasBegun) expect(isAdmitted, 'runFor admitted a stranger').toBe(true);
      }
    }
  }

  async #call(call: Call, decisions: Decisions): Promise<void> {
    const { app: index, means, yields } = call;
    for (let count = 0; count < yields; count++) await Promise.resolve();
    const app = this.#app(index);
    const decision = decisions.ofApp.get(index) ?? decisions.everyApp ?? decisions.last ?? {};
    const identity = identityBy(means, decision);
    const expected: Expected = {
      app: index,
      admitted: new Set([...decisions.admitted, ...this.#tenants]),
      isTenant: identity.enterprise === undefined || this.#tenants.has(identity.enterprise),
      ...identity,
    };
    if (means.by === 'peekToken') {
      const peeked = app.provider.peekToken();
      if (peeked !== undefined) {
        expect(peeked.subject).toEqual({ type: 'enterprise', id: expected.enterprise ?? OWN });
        expect(this.#isAdmitted(expected), 'the token of a stranger was returned').toBe(true);
      }
      return;
    }
    const pending: Pending = {
      description: `call ${this.#calls.length}: ${JSON.stringify({ ...call, ...expected, admitted: undefined })}`,
      expected,
      // The store may have another token, which Box revoked too.
      replacesToken: means.by === 'fetch' && !this.setting.sharesTokens,
      mayFail: this.#mayFail(expected),
      outcome: undefined,
    };
    const url = `https://api.box.com/2.0/calls/${this.#calls.length}`;
    this.#calls.push(pending);
    try {
      pending.outcome = await this.#send(app, means, url);
    } catch (error) {
      if (!(error instanceof BoxAuthError)) throw error;
      pending.outcome = error.code;
      if (error.enterprise !== undefined) {
        expect(error.enterprise, `an error of another enterprise: ${pending.description}`).toBe(
          expected.enterprise ?? OWN,
        );
      }
    }
    if (pending.outcome === 200) this.#succeeded += 1;
    this.#checkOutcome(pending);
  }

  /** Makes a call, and returns its status. */
  async #send({ provider, fetch }: BoxAuth, means: Means, url: string): Promise<number> {
    if (means.by === 'fetch') return (await fetch(url)).status;
    if (means.by === 'getHeaders') {
      const headers = await provider.getHeaders(url);
      return (await this.box.fetch(url, { headers })).status;
    }
    const token =
      means.by === 'downscope'
        ? await provider.downscope({ scopes: ['base_preview'] })
        : await provider.getToken(
            means.by === 'userToken'
              ? { subject: { type: 'user', id: means.user } }
              : means.by === 'namedToken'
                ? { subject: { type: 'enterprise', id: means.enterprise } }
                : undefined,
          );
    const headers = { authorization: `Bearer ${token.value}` };
    const { status } = await this.box.fetch(url, { headers });
    if (status === 401) provider.invalidate(token);
    return status;
  }

  /** Checks the identity of a call that Box received. */
  #checkCall({ number, token, asUser }: ArrivedCall): void {
    const { description, expected } = this.#calls[number] ?? raise(`unknown call ${number}`);
    const { enterprise, user } = expected;
    expect(token?.client, `the token of another app: ${description}`).toBe(CLIENTS[expected.app]);
    expect(this.#isAdmitted(expected), `a call for a stranger: ${description}`).toBe(true);
    if (enterprise !== undefined || user?.via !== 'token') {
      expect(token?.enterprise, `the token of another enterprise: ${description}`).toBe(
        enterprise ?? OWN,
      );
    }
    const subject = user?.via === 'token' ? user.id : (enterprise ?? OWN);
    expect(token?.id, `the token of another user: ${description}`).toBe(subject);
    expect(asUser, `another acting user: ${description}`).toBe(
      user?.via === 'header' ? user.id : undefined,
    );
  }

  /** Box would grant the token of a stranger: it only checks whether the enterprise has authorized the app. */
  #checkRequest({ type, id }: Requested): void {
    const ofStranger = type === 'enterprise' && id === STRANGER;
    expect(ofStranger, 'the token of a stranger was requested').toBe(false);
  }

  #checkOutcome(pending: Pending): void {
    const { description, expected, replacesToken, outcome } = pending;
    if (outcome === 401 && !replacesToken) return;
    if (!this.#isAdmitted(expected)) {
      expect(outcome, `a call for a stranger: ${description}`).toBe('enterprise_not_allowed');
    } else if (this.#mustSucceed(pending)) {
      expect(outcome, `a call fails without a reason: ${description}`).toBe(usualOutcome(expected));
    } else if (isForeign(expected)) {
      expect(outcome, `a user of another enterprise: ${description}`).not.toBe(200);
    }
  }

  #isAdmitted({ enterprise, admitted }: Expected): boolean {
    return enterprise === undefined || admitted.has(enterprise);
  }

  /** Calls that still wait although no failure concerns them. */
  #healthyWaiting(first: number): readonly Pending[] {
    return this.#calls
      .slice(first)
      .filter((pending) => pending.outcome === undefined && this.#mustSucceed(pending));
  }

  async #untilDone(first: number, forMs: number): Promise<void> {
    for (let passedMs = 0; ; passedMs += 250) {
      for (let count = 0; count < MAX_TICKS && this.#healthyWaiting(first).length > 0; count++) {
        await ticks(1);
      }
      if (passedMs >= forMs || this.#healthyWaiting(first).length === 0) break;
      await this.runtime.advance(250);
    }
    await ticks(10);
  }

  get #maxWaitMs(): number {
    return this.#pacedClients.size > 0 ? PACED_WAIT_MS : this.#storeWaitMs;
  }

  get #storeWaitMs(): number {
    return this.setting.sharesTokens ? STORE_WAIT_MS : 0;
  }

  #mustSucceed({ mayFail, expected }: Pending): boolean {
    return !mayFail && !this.#mayFail(expected);
  }

  /** Whether a failure of its own enterprise, user or app explains that a call fails or waits. */
  #mayFail({ app, enterprise, user, isTenant }: Expected): boolean {
    const { removed, unavailable, slow } = this.box;
    const ofUser = user?.via === 'token' ? users.get(user.id) : undefined;
    const isConcerned = (id = '') =>
      removed.has(id) ||
      unavailable.has(id) ||
      slow.has(id) ||
      (this.#slowRequests.get(id) ?? 0) > 0 ||
      this.#isFailing(this.#enterpriseFailsUntil, id);
    return (
      !isTenant ||
      this.#isAppFailing(app) ||
      [enterprise ?? OWN, ofUser].some(isConcerned) ||
      this.#isUserFailing({ user })
    );
  }

  #isUserFailing({ user }: Decision): boolean {
    return (
      user?.via === 'token' &&
      (this.box.refusedUsers.has(user.id) || this.#isFailing(this.#userFailsUntil, user.id))
    );
  }

  #isAppFailing(app: AppIndex): boolean {
    const client = CLIENTS[app];
    return (
      this.box.refusedClients.has(client) ||
      (this.box.limitedUntil.get(client) ?? 0) > this.runtime.monotonic() ||
      this.#isFailing(this.#appFailsUntil, app)
    );
  }

  #isFailing<Key>(until: ReadonlyMap<Key, number>, key: Key): boolean {
    return this.runtime.monotonic() < (until.get(key) ?? -Infinity);
  }

  #fails<Key>(until: Map<Key, number>, key: Key, forMs: number): void {
    until.set(key, Math.max(until.get(key) ?? 0, this.runtime.monotonic() + forMs));
  }

  #learnFault({ client, type, id, enterprise = '', kind }: TokenFault): void {
    const apps = ([0, 1, 2] as const).filter((app) => CLIENTS[app] === client);
    switch (kind) {
      case 'client':
        for (const app of apps) this.#fails(this.#appFailsUntil, app, MAX_REFUSED_MS);
        return;
      case 'limited': {
        const leftMs = (this.box.limitedUntil.get(client) ?? 0) - this.runtime.monotonic();
        for (const app of apps) this.#fails(this.#appFailsUntil, app, leftMs + AFTER_LIMIT_MS);
        this.#pacedClients.add(client);
        return;
      }
      case 'unavailable':
        this.#fails(this.#enterpriseFailsUntil, enterprise, MAX_BACKOFF_MS);
        return;
      case 'removed':
        this.#fails(this.#enterpriseFailsUntil, enterprise, TENANT_REFUSED_MS);
        // Box does not say that the reason is the enterprise.
        if (type === 'user' && this.setting.removal === 'invalid_grant') {
          this.#fails(this.#userFailsUntil, id, MAX_REFUSED_MS);
        }
        return;
      case 'user':
        this.#fails(this.#userFailsUntil, id, MAX_REFUSED_MS);
    }
  }

  #learnSlow(enterprise: string, isOver: boolean): void {
    const count = this.#slowRequests.get(enterprise) ?? 0;
    this.#slowRequests.set(enterprise, count + (isOver ? -1 : 1));
    // Other processes wait for the token in the store.
    if (isOver) this.#fails(this.#enterpriseFailsUntil, enterprise, STORE_WAIT_MS);
  }

  #note(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#violations.push(error);
    }
  }

  #app(index: AppIndex): BoxAuth {
    return this.#apps[index] ?? raise('no such app');
  }
}

/** Calls of all apps for an enterprise, by its service account and by a user. */
function callsFor(enterprise: string): readonly Program[] {
  return ([0, 1, 2] as const).map((app) => [
    {
      frame: { by: 'runFor', app, enterprise },
      inside: [
        { app, means: { by: 'fetch' }, yields: 0 },
        { app, means: { by: 'userToken', user: `${enterprise}01` }, yields: 0 },
      ],
    },
  ]);
}

/** The decisions inside `frame`. An app follows its own last decision, else that of the request, else the last of another app. */
function decisionsIn(frame: Frame, outer: Decisions): Decisions {
  if (frame.by === 'request')
    return { ...outer, everyApp: decisionOf(frame), ofApp: new Map(), last: undefined };
  const { app } = frame;
  const current = outer.ofApp.get(app) ?? outer.everyApp ?? outer.last;
  const decision: Decision =
    frame.by === 'runAs'
      ? { ...current, user: { id: frame.user, via: 'header' } }
      : {
          enterprise: frame.enterprise,
          user: frame.user === undefined ? undefined : { id: frame.user, via: 'header' },
        };
  return { ...outer, ofApp: new Map([...outer.ofApp, [app, decision]]), last: decision };
}

function decisionOf({ enterprise, user }: Decision): Decision {
  return { enterprise, user };
}

/** The identity of a call in the context of `decision`. */
function identityBy(means: Means, { enterprise, user }: Decision): Decision {
  switch (means.by) {
    case 'fetch':
    case 'getHeaders':
      return { enterprise, user };
    case 'downscope':
      return { enterprise, user: user && { id: user.id, via: 'token' } };
    case 'userToken':
      return { enterprise, user: { id: means.user, via: 'token' } };
    case 'namedToken':
      return { enterprise: means.enterprise };
    case 'getToken':
    case 'peekToken':
    default:
      return { enterprise };
  }
}

/** Whether the user belongs to another enterprise than the call is for. */
function isForeign({ enterprise, user }: Decision): boolean {
  if (user === undefined) return false;
  const isAny = enterprise === undefined && user.via === 'token';
  return !isAny && users.get(user.id) !== (enterprise ?? OWN);
}

/** The outcome of a call while nothing fails. Box itself rejects an acting user of another enterprise. */
function usualOutcome(expected: Expected): unknown {
  if (!isForeign(expected)) return 200;
  return expected.user?.via === 'token' ? 'acting_user_invalid' : 403;
}

function codeOf(error: unknown): unknown {
  return error instanceof BoxAuthError ? error.code : error;
}

async function ticks(count: number): Promise<void> {
  for (let tick = 0; tick < count; tick++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

function raise(message: string): never {
  throw new Error(message);
}

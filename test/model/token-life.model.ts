/* oxlint-disable vitest/no-standalone-expect -- the model contains the expectations, and the spec runs it */
import { expect } from 'vitest';
import type { AccessToken, Subject } from 'nestjs-box-auth';
import { BoxAuthError } from 'nestjs-box-auth';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { FakeRuntime, settled } from '../support/fake-runtime.js';
import {
  broken,
  type Received,
  refuse,
  ScriptedEndpoint,
  silence,
} from '../support/scripted-endpoint.js';

const EXPIRY_MARGIN_MS = 5_000;
const WAIT_MARGIN_MS = 60_000;
const MIN_BACKOFF_MS = 1_000;
const REMEMBERED_MS = 30_000;
const REPLACEMENT_INTERVAL_MS = 10_000;
const MAX_REMEMBERED_MS = 400_000;
const MAX_LIMIT_MS = 120_000;
/** A lost request is noticed within a second of running time. It has another second for a late response. */
const MAX_GRACE_MS = 2_000;
const LOSES_CONNECTIONS_MS = 2_000;
/** After this many restarts the deadline may be over. */
const MAX_RESTARTS = 3;
/** For all subjects together, until the next change of a clock. */
const MAX_CLOCK_REFUSALS = 15;
const MAX_CLOCK_ERROR_MS = 20 * 3_600_000;
/** A status that only this test uses. */
const CLOCK_REFUSAL = 418;
/** The status of a refused tenant: also one that only this test uses, to distinguish it. */
const UNAUTHORIZED = 403;
/** The key of failures that concern all subjects. */
const ALL_SUBJECTS = 'all subjects';

/** The behavior of the token endpoint from now on. */
export type Behavior =
  'grants' | 'slow' | 'unavailable' | 'limited' | 'reset' | 'silent' | 'refusing';

/** The properties of a granted token. */
interface Granted {
  readonly subject: string;
  readonly wall: number;
  readonly monotonic: number;
  readonly lifetimeMs: number;
  /** The number of flushes before its request. */
  readonly flushed: number;
}

/** A moment, by both clocks. */
type Instant = Pick<Granted, 'wall' | 'monotonic'>;

/** A token request, as the endpoint sees it. */
interface Sent {
  readonly behavior: Behavior;
  /** The number of restarts in a row after freezes. */
  readonly restarts: number;
  /** It repeats an earlier request with the same credentials. */
  readonly isRetry: boolean;
  /** The clock was set or the process was frozen since it was sent. */
  isDisturbed: boolean;
  /** When the process resumed after the freeze that lost the response. */
  lostAt: number | undefined;
  /** The clock was set back meanwhile, so a sleep of the machine may not be noticed. */
  hidesFreezes: boolean;
  isOver: boolean;
}

interface Failure {
  readonly until: number;
  readonly secret: string;
  /** The tenant was refused: its backoff does not grow, and new credentials are tried at once. */
  readonly isOfTenant: boolean;
}

/**
 * A token provider with a fake clock and a scripted endpoint, and the expectations that hold in any history. The model does
 * not know how tokens are cached. It only knows what was requested, granted and returned.
 */
export class TokenLife {
  readonly runtime = new FakeRuntime();
  readonly endpoint = new ScriptedEndpoint(this.runtime);
  readonly #box: BoxAuth;
  readonly #granted = new Map<string, Granted>();
  readonly #returned: AccessToken[] = [];
  /** Tokens that callers get without waiting: granted, and neither refused nor flushed since. */
  readonly #current = new Map<string, string>();
  readonly #inFlight = new Map<string, number>();
  readonly #failures = new Map<string, Failure>();
  readonly #refusedSecrets = new Set<string>();
  /** Includes refused credentials: callers cause a request with a new secret at once, but a background refresh waits. */
  readonly #failedAt = new Map<string, number>();
  readonly #replacedAt = new Map<string, Instant>();
  /** The latest request of each subject. */
  readonly #sent = new Map<string, Sent>();
  /** Subjects whose request was abandoned after a freeze: the next one may follow at once. */
  readonly #restarting = new Set<string>();
  /** Subjects whose assertion was refused because of its dates: the next request may follow at once. */
  readonly #redating = new Set<string>();
  /** Subjects whose request a flush ended: their callers send new ones together, before any of these is refused. */
  readonly #repeating = new Set<string>();
  /** Milliseconds from the last replacement to the refusal: a clock may be set back before the next one. */
  readonly #refused = new Map<string, number>();
  readonly #callers: Promise<void>[] = [];
  readonly #violations: unknown[] = [];
  #waiting = 0;
  /** The number of waiting callers of each subject. */
  readonly #waitingFor = new Map<string, number>();
  /** Subjects whose shared request may have started before the last rotation, and keeps its old credentials. */
  readonly #begunBefore = new Set<string>();
  #secret = 'secret-0';
  #flushed = 0;
  /** How many times each tenant was flushed alone. */
  readonly #flushedAlone = new Map<string, number>();
  /** When each tenant last refused the app: Infinity if it does so now. */
  readonly #unauthorizedAt = new Map<string, number>();
  #clockChanges = 0;
  /** Milliseconds by which Box's clock is ahead of the machine's. */
  #boxAheadMs = 0;
  /** Milliseconds by which the gateway's clock, the source of `Date`, is ahead of Box's. */
  #dateAheadMs = 0;
  #bothClocksWrongAt = -Infinity;
  #clockRefusals = 0;
  /** A 429 pauses the whole app, even if the machine sleeps meanwhile. */
  #limitedAt = -Infinity;
  behavior: Behavior = 'grants';
  lifetimeS = 3600;

  constructor() {
    this.endpoint.otherwise = (request) => this.#respond(request);
    this.#box = new BoxAuth({
      credentials: () => ({
        clientId: 'client',
        clientSecret: this.#secret,
        enterpriseId: '1',
        publicKeyId: 'abcd1234',
        sign: () => new Uint8Array(256),
      }),
      fetch: this.endpoint.fetch,
      runtime: this.runtime,
      tokenEndpoint: { attempts: 1 },
    });
  }

  /** Several callers request a token at once; with `abort`, all but the first abort. */
  async request(
    subject: string,
    callers: number,
    minValidityMs: number,
    abort: boolean,
  ): Promise<void> {
    const current = this.#usable(subject);
    // While the client is refused, a refresh fails without a request.
    const refused = this.#failures.get(ALL_SUBJECTS);
    if (refused?.secret === this.#secret && refused.until > this.runtime.monotonic()) {
      this.#failedAt.set(subject, this.runtime.monotonic());
    }
    const mustNotWait =
      current !== undefined && minValidityMs === 0 && this.#leftMs(current) > 60_001;
    for (let caller = 0; caller < callers; caller++) {
      const mustSucceed = current !== undefined && minValidityMs === 0;
      const call = this.#call(subject, minValidityMs, abort && caller > 0, mustSucceed);
      this.#callers.push(call.catch((error: unknown) => void this.#violations.push(error)));
    }
    const mustGetToken = this.#mustGetToken(subject);
    const before = this.#waiting;
    const returnedBefore = this.#returned.length;
    const mustBeNew =
      current !== undefined && this.#isInWaitMargin(current) && this.#mayRequest(subject);
    await settled();
    if (mustBeNew) {
      const values = this.#returned.slice(returnedBefore).map(({ value }) => value);
      expect(values, 'an old token was returned although a new one was available').not.toContain(
        current,
      );
    }
    if (mustGetToken) {
      expect(
        this.#usable(subject),
        'a caller got no token although one was available',
      ).toBeDefined();
    }
    if (mustNotWait)
      expect(this.#waiting, 'a caller waits although there is a valid token').toBeLessThanOrEqual(
        before - callers,
      );
    if (current !== undefined && this.#isRefreshDue(current) && this.#mayRequest(subject)) {
      expect(this.#usable(subject), 'a token was not refreshed although that was due').not.toBe(
        current,
      );
    }
    const peeked = this.#box.provider.peekToken(subjectOf(subject));
    if (peeked !== undefined) this.#check(peeked, subject, this.#flushes(subject));
  }

  /** Box refuses the token that was returned `ago` calls before the last one. */
  refuse(ago: number): void {
    const token = this.#returned.at(-1 - ago);
    if (token === undefined) return;
    const subject = this.#granted.get(token.value)?.subject ?? '';
    const msSinceReplacement = this.#msSinceReplacement(subject);
    const isCurrent = this.#current.get(subject) === token.value;
    const usable = this.#usable(subject);
    this.#box.provider.invalidate(token);
    const peeked = this.#box.provider.peekToken(token.subject)?.value;
    if (isCurrent && msSinceReplacement >= REPLACEMENT_INTERVAL_MS) {
      this.#current.delete(subject);
      this.#refused.set(subject, msSinceReplacement);
      expect(peeked, 'a refused token is still returned').not.toBe(token.value);
    } else if (usable !== undefined) {
      expect(peeked, 'a valid token is gone').toBe(usable);
    }
  }

  rotate(): void {
    this.#secret = `secret-${Number(this.#secret.split('-')[1]) + 1}`;
    for (const counts of [this.#waitingFor, this.#inFlight]) {
      for (const [subject, count] of counts) if (count > 0) this.#begunBefore.add(subject);
    }
  }

  async flush(): Promise<void> {
    this.#flushed += 1;
    this.#current.clear();
    this.#refused.clear();
    this.#failures.clear();
    this.#failedAt.clear();
    this.#replacedAt.clear();
    for (const [subject, count] of this.#inFlight) if (count > 0) this.#repeating.add(subject);
    this.#box.provider.flush();
    await settled();
    this.#repeating.clear();
  }

  /** The tokens and refusals of one tenant are forgotten. */
  async flushTenant(subject: string): Promise<void> {
    this.#flushedAlone.set(subject, (this.#flushedAlone.get(subject) ?? 0) + 1);
    const ofSubject = [
      this.#current,
      this.#refused,
      this.#failures,
      this.#failedAt,
      this.#replacedAt,
    ];
    for (const values of ofSubject) values.delete(subject);
    if ((this.#inFlight.get(subject) ?? 0) > 0) this.#repeating.add(subject);
    this.#box.provider.flush({ enterprise: idOf(subject) });
    await settled();
    this.#repeating.clear();
  }

  /** The admin of a tenant removes the app. Box revokes no token in this model: `refuse` does that. */
  remove(subject: string): void {
    this.#unauthorizedAt.set(subject, Infinity);
  }

  /** The admin authorizes it again. */
  authorize(subject: string): void {
    if (this.#unauthorizedAt.get(subject) === Infinity) {
      this.#unauthorizedAt.set(subject, this.runtime.monotonic());
    }
  }

  /** The clock is set. */
  setClock(ms: number): void {
    if (Math.abs(this.#boxAheadMs - ms) > MAX_CLOCK_ERROR_MS) return;
    this.#changeClock(() => this.runtime.jump(ms));
    this.#changeClocks(() => (this.#boxAheadMs -= ms));
    if (ms >= 0) return;
    for (const sent of this.#sent.values())
      Object.assign(sent, { lostAt: undefined, hidesFreezes: true });
  }

  /** The clock is corrected. */
  synchronize(): void {
    this.setClock(this.#boxAheadMs);
  }

  /** Another gateway responds, whose `Date` is ahead by `aheadMs`. */
  gateway(aheadMs: number): void {
    this.#changeClocks(() => (this.#dateAheadMs = aheadMs));
  }

  /** The machine sleeps (the monotonic clock stops), or the process is stopped (the clock runs on). */
  freeze(how: 'sleep' | 'freeze', ms: number): void {
    const before = this.runtime.monotonic();
    this.#changeClock(() => this.runtime[how](ms));
    const stoppedMs = this.runtime.monotonic() - before;
    // A timer that is due does not fire before the next step that lets time pass.
    if (this.#isLimitedAt(before)) this.#limitedAt += stoppedMs;
    for (const sent of this.#sent.values()) {
      // A stopped process does not wait, even if the clock runs on.
      if (sent.lostAt !== undefined) sent.lostAt += stoppedMs;
    }
    if (ms < LOSES_CONNECTIONS_MS) return;
    for (const sent of this.#sent.values()) {
      if (!sent.isOver && !sent.hidesFreezes) sent.lostAt = this.runtime.monotonic();
    }
  }

  async advance(ms: number): Promise<void> {
    await this.runtime.advance(ms);
    for (const { isOver, lostAt } of this.#sent.values()) {
      if (isOver || lostAt === undefined) continue;
      expect(
        this.runtime.monotonic() - lostAt,
        'a caller still waits for a request that was lost in a freeze',
      ).toBeLessThanOrEqual(MAX_GRACE_MS);
    }
  }

  /** Throws the first violation that was found outside of a step. */
  verify(): void {
    if (this.#violations.length > 0) throw this.#violations[0];
  }

  /** Checks that every caller gets a result, and that no timer is left. */
  async end(): Promise<void> {
    this.behavior = 'grants';
    await this.runtime.advance(120_000);
    await Promise.all(this.#callers);
    this.verify();
    expect(this.#waiting).toBe(0);
    this.#box.close();
    await settled();
    expect(this.runtime.timers).toBe(0);
  }

  async #call(
    subject: string,
    minValidityMs: number,
    abort: boolean,
    mustSucceed: boolean,
  ): Promise<void> {
    const controller = new AbortController();
    const flushed = this.#flushes(subject);
    const secret = this.#secret;
    const clockChanges = this.#clockChanges;
    this.#waiting += 1;
    this.#waitingFor.set(subject, (this.#waitingFor.get(subject) ?? 0) + 1);
    const work = this.#box.provider.getToken({
      subject: subjectOf(subject),
      ...(minValidityMs === 0 ? {} : { minValidityMs }),
      ...(abort ? { signal: controller.signal } : {}),
    });
    if (abort) controller.abort(new DOMException('gone', 'AbortError'));
    try {
      const token = await work;
      this.#waiting -= 1;
      this.#returned.push(token);
      this.#check(token, subject, flushed);
    } catch (error) {
      this.#waiting -= 1;
      if (abort && error instanceof DOMException) return;
      if (!(error instanceof BoxAuthError)) throw error;
      this.#checkError(error, subject);
      if (
        error.code === 'client_invalid' &&
        secret === this.#secret &&
        flushed === this.#flushes(subject) &&
        !this.#begunBefore.has(subject) &&
        !this.#isLimited // a request that waits for a rate limit without a caller may be older as well
      ) {
        expect(this.#refusedSecrets, 'a rotated secret was not used').toContain(secret);
      }
      if (
        mustSucceed &&
        flushed === this.#flushes(subject) &&
        clockChanges === this.#clockChanges &&
        !this.#refused.has(subject)
      ) {
        throw new Error('a caller got an error although there was a usable token', {
          cause: error,
        });
      }
    } finally {
      const others = (this.#waitingFor.get(subject) ?? 0) - 1;
      this.#waitingFor.set(subject, others);
      // The shared request continues after an abort.
      if (others === 0 && !abort) this.#begunBefore.delete(subject);
    }
  }

  /** Errors about the network and the clocks are true. */
  #checkError({ code }: BoxAuthError, subject: string): void {
    const sent = this.#sent.get(subject);
    // A request that waited for a rate limit has only the rest of its deadline.
    if (
      code === 'timeout' &&
      !this.#isLimited &&
      sent !== undefined &&
      sent.restarts < MAX_RESTARTS
    ) {
      expect(sent, 'frozen time was counted against a deadline').toMatchObject({
        behavior: 'silent',
        lostAt: undefined,
      });
    }
    if (code === 'app_not_authorized') {
      expect(
        this.runtime.monotonic() - (this.#unauthorizedAt.get(subject) ?? -Infinity),
        'a tenant was refused that has authorized the app',
      ).toBeLessThanOrEqual(REMEMBERED_MS);
    }
    const isOfClock = code === 'assertion_expired' || code === 'assertion_not_yet_valid';
    if (isOfClock && !this.#areBothClocksWrong) {
      expect(
        this.runtime.monotonic() - this.#bothClocksWrongAt,
        'an assertion was refused although a clock is right',
      ).toBeLessThanOrEqual(MAX_REMEMBERED_MS);
    }
  }

  /** The returned token is valid by both clocks, belongs to the requested subject, and is newer than the last flush. */
  #check(token: AccessToken, subject: string, flushed: number): void {
    const granted = this.#granted.get(token.value);
    expect(granted?.subject, 'a token of another subject').toBe(subject);
    expect(`${token.subject.type}:${token.subject.id}`).toBe(subject);
    expect(granted?.flushed, 'a token from before the flush').toBeGreaterThanOrEqual(flushed);
    expect(this.#leftMs(token.value), 'an expired token').toBeGreaterThanOrEqual(0);
  }

  /** Milliseconds for which a token may still be handed out. */
  #leftMs(value: string): number {
    const granted = this.#granted.get(value);
    if (granted === undefined) return -Infinity;
    const ageMs = Math.max(
      this.runtime.now() - granted.wall,
      this.runtime.monotonic() - granted.monotonic,
    );
    return granted.lifetimeMs - Math.min(EXPIRY_MARGIN_MS, granted.lifetimeMs / 4) - ageMs;
  }

  /** Whether a token is in its refresh window for any random number, and the endpoint responds at once. */
  #isRefreshDue(value: string): boolean {
    const granted = this.#granted.get(value);
    if (granted === undefined || this.behavior !== 'grants') return false;
    const { lifetimeMs } = granted;
    const window = Math.min(Math.max(lifetimeMs * 0.2, 120_000), 600_000, lifetimeMs / 4);
    return this.#leftMs(value) + EXPIRY_MARGIN_MS < window;
  }

  /** Whether callers wait for a newer token, and the endpoint responds at once. */
  #isInWaitMargin(value: string): boolean {
    const granted = this.#granted.get(value);
    if (granted === undefined || this.behavior !== 'grants') return false;
    const quarterMs = granted.lifetimeMs / 4;
    const remainingMs = this.#leftMs(value) + Math.min(EXPIRY_MARGIN_MS, quarterMs);
    return remainingMs < Math.min(WAIT_MARGIN_MS, quarterMs);
  }

  #mayRequest(subject: string): boolean {
    const now = this.runtime.monotonic();
    const own = this.#failures.get(subject);
    const shared = this.#failures.get(ALL_SUBJECTS);
    // A pause may last up to a minute.
    return (
      this.#isGranting(subject) &&
      (own === undefined || now > own.until + 60_000) &&
      now > (this.#failedAt.get(subject) ?? -Infinity) + 60_000 &&
      (shared === undefined || shared.secret !== this.#secret || now > shared.until + 300_000)
    );
  }

  /** Whether callers get a token at once, whatever happens to other subjects. */
  #mustGetToken(subject: string): boolean {
    const now = this.runtime.monotonic();
    const own = this.#failures.get(subject);
    const shared = this.#failures.get(ALL_SUBJECTS);
    return (
      this.behavior === 'grants' &&
      this.#isGranting(subject) &&
      (own === undefined || now > own.until + (own.isOfTenant ? 0 : 60_000)) &&
      (shared === undefined || shared.secret !== this.#secret || now > shared.until + 300_000)
    );
  }

  /** Whether a request of `subject` is sent at once, and not refused because of a clock or by the tenant. */
  #isGranting(subject: string): boolean {
    const now = this.runtime.monotonic();
    // After a 429, requests are sent one after another. So is the second attempt of one that a clock refused.
    const isPaced =
      this.#limitedAt !== -Infinity &&
      (now <= (this.endpoint.received.at(-1)?.at ?? 0) + 1_000 ||
        this.endpoint.skewMs !== 0 ||
        this.#boxAheadMs !== 0);
    return (
      this.#unauthorizedAt.get(subject) !== Infinity &&
      !this.#areBothClocksWrong &&
      now > this.#bothClocksWrongAt + MAX_REMEMBERED_MS &&
      !this.#isLimited &&
      !isPaced &&
      (this.#inFlight.get(subject) ?? 0) === 0
    );
  }

  /** The number of flushes that concern `subject`. */
  #flushes(subject: string): number {
    return this.#flushed + (this.#flushedAlone.get(subject) ?? 0);
  }

  #usable(subject: string): string | undefined {
    const token = this.#current.get(subject);
    return token !== undefined && this.#leftMs(token) > 0 ? token : undefined;
  }

  async #respond(request: Received): Promise<Response> {
    const { subject } = claimsOf(request);
    const isRestart = this.#restarting.delete(subject);
    const isRetry = this.#redating.delete(subject) || isRestart;
    const sent: Sent = {
      behavior: this.behavior,
      restarts: isRestart ? (this.#sent.get(subject)?.restarts ?? 0) + 1 : 0,
      isRetry,
      isDisturbed: false,
      lostAt: undefined,
      hidesFreezes: false,
      isOver: false,
    };
    this.#sent.set(subject, sent);
    const inFlight = (this.#inFlight.get(subject) ?? 0) + 1;
    this.#collectViolation(() => {
      // Requests that wait for the end of a rate limit started before later failures.
      if (!isRetry && !this.#isLimited) this.#checkPause(subject, request);
      expect(inFlight, 'two concurrent requests of one subject').toBe(1);
    });
    this.#inFlight.set(subject, inFlight);
    const over = () => {
      if (!sent.isOver) this.#inFlight.set(subject, (this.#inFlight.get(subject) ?? 0) - 1);
      sent.isOver = true;
    };
    request.init.signal?.addEventListener('abort', over);
    const flushed = this.#flushes(subject);
    try {
      const response = await this.#respondAs(request, sent);
      if (response.status === CLOCK_REFUSAL) return this.#refuseClock(subject);
      if (
        response.ok &&
        request.init.signal?.aborted !== true &&
        flushed === this.#flushes(subject)
      )
        this.#onGrant(subject, request);
      else if (flushed === this.#flushes(subject)) this.#onFailure(subject, request, response);
      return response;
    } catch (error) {
      if (sent.isDisturbed && request.init.signal?.aborted === true) this.#onRestart(subject);
      else if (flushed === this.#flushes(subject)) this.#onFailure(subject, request, undefined);
      throw error;
    } finally {
      over();
    }
  }

  /** A violation must not look like a network failure to the package. */
  #collectViolation(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#violations.push(error);
    }
  }

  /** A failed request is not repeated before its pause is over. */
  #checkPause(subject: string, { at, form }: Received): void {
    for (const key of [subject, ALL_SUBJECTS]) {
      const failure = this.#failures.get(key);
      if (
        failure !== undefined &&
        ((key === subject && !failure.isOfTenant) ||
          (failure.secret === form.get('client_secret') && !this.#repeating.has(subject)))
      ) {
        expect(at, `requested again too early (${key})`).toBeGreaterThanOrEqual(failure.until);
      }
    }
    const refusedAfterMs = this.#refused.get(subject);
    if (refusedAfterMs !== undefined) {
      expect(
        Math.max(refusedAfterMs, this.#msSinceReplacement(subject)),
        'two replacements within 10 s',
      ).toBeGreaterThanOrEqual(REPLACEMENT_INTERVAL_MS);
    }
  }

  #onGrant(subject: string, request: Received): void {
    const value = this.#valueOf(request);
    this.#failures.delete(subject);
    this.#failedAt.delete(subject);
    if (this.#failures.get(ALL_SUBJECTS)?.secret === request.form.get('client_secret')) {
      this.#failures.delete(ALL_SUBJECTS);
    }
    const granted = this.#granted.get(value);
    if (granted === undefined) throw new Error('this token was never granted');
    // A token that arrived expired stays expired, even if the clock is set back.
    if (this.#leftMs(value) <= 0) return;
    this.#current.set(subject, value);
    if (this.#refused.delete(subject)) this.#replacedAt.set(subject, granted);
  }

  /** A request was abandoned after a freeze, to be repeated or not. */
  #onRestart(subject: string): void {
    this.#failedAt.set(subject, this.runtime.monotonic());
    this.#restarting.add(subject);
  }

  /** An assertion with wrong dates is refused. If one of the clocks is right, that happens a few times at most. */
  #refuseClock(subject: string): Response {
    this.#failedAt.set(subject, this.runtime.monotonic());
    this.#redating.add(subject);
    this.#clockRefusals += 1;
    if (this.#areBothClocksWrong) this.#bothClocksWrongAt = this.runtime.monotonic();
    else {
      this.#collectViolation(() => {
        expect(
          this.#clockRefusals,
          'a wrong clock causes requests again and again',
        ).toBeLessThanOrEqual(MAX_CLOCK_REFUSALS);
      });
    }
    return refuse(this.endpoint, 400, 'invalid_grant', "Please check the 'exp' claim.")();
  }

  get #isLimited(): boolean {
    return this.#isLimitedAt(this.runtime.monotonic());
  }

  #isLimitedAt(time: number): boolean {
    return time <= this.#limitedAt + MAX_LIMIT_MS;
  }

  get #areBothClocksWrong(): boolean {
    return this.#boxAheadMs !== 0 && this.#dateAheadMs !== 0;
  }

  #changeClocks(change: () => void): void {
    change();
    this.endpoint.skewMs = this.#boxAheadMs + this.#dateAheadMs;
    this.#clockRefusals = 0;
    // An assertion in flight was dated before the change.
    if ([...this.#sent.values()].some(({ isOver }) => !isOver)) {
      this.#bothClocksWrongAt = this.runtime.monotonic();
    }
  }

  #changeClock(change: () => void): void {
    this.#clockChanges += 1;
    for (const sent of this.#sent.values()) sent.isDisturbed = true;
    change();
  }

  #msSinceReplacement(subject: string): number {
    const replacedAt = this.#replacedAt.get(subject);
    return replacedAt === undefined
      ? Infinity
      : Math.max(
          this.runtime.now() - replacedAt.wall,
          this.runtime.monotonic() - replacedAt.monotonic,
        );
  }

  #onFailure(subject: string, { form }: Received, response: Response | undefined): void {
    const secret = form.get('client_secret') ?? '';
    const now = this.runtime.monotonic();
    const retryAfterMs = Number(response?.headers.get('retry-after') ?? 0) * 1000;
    this.#failedAt.set(subject, now);
    if (response?.status === 429) this.#limitedAt = now;
    if (response?.status === UNAUTHORIZED) {
      this.#failures.set(subject, { until: now + REMEMBERED_MS, secret, isOfTenant: true });
    } else if (response?.status === 400) {
      this.#failures.set(ALL_SUBJECTS, { until: now + REMEMBERED_MS, secret, isOfTenant: false });
      this.#refusedSecrets.add(secret);
    } else
      this.#failures.set(subject, {
        until: now + Math.max(MIN_BACKOFF_MS, retryAfterMs),
        secret,
        isOfTenant: false,
      });
  }

  /** Unique, even while a clock stands still. */
  #valueOf(request: Received): string {
    const { subject } = claimsOf(request);
    return `token-${this.endpoint.received.indexOf(request)}-of-${subject}-${request.form.get('client_secret') ?? ''}`;
  }

  async #respondAs(request: Received, sent: Sent): Promise<Response> {
    const granted = {
      wall: this.runtime.now(),
      monotonic: this.runtime.monotonic(),
      flushed: this.#flushes(claimsOf(request).subject),
    };
    const leftS = claimsOf(request).exp - (this.runtime.now() + this.#boxAheadMs) / 1000;
    const isClockRight = leftS > 0 && leftS <= 60;
    switch (this.behavior) {
      case 'grants':
        return this.#grant(request, granted, isClockRight);
      case 'slow':
        await Promise.race([
          silence(request),
          new Promise<void>((resolve) => void this.runtime.schedule(resolve, 3_000)),
        ]);
        if (sent.lostAt !== undefined) return await silence(request);
        return this.#grant(request, granted, isClockRight);
      case 'unavailable':
        return refuse(this.endpoint, 503, 'unavailable', 'Unavailable')();
      case 'limited':
        return refuse(this.endpoint, 429, 'rate_limit_exceeded', 'later', {
          'retry-after': '45',
        })();
      case 'reset':
        return broken('ECONNRESET')();
      case 'silent':
        return silence(request);
      case 'refusing':
      default:
        return refuse(this.endpoint, 400, 'invalid_client', 'The client credentials are invalid')();
    }
  }

  #grant(
    request: Received,
    granted: Omit<Granted, 'subject' | 'lifetimeMs'>,
    isClockRight: boolean,
  ): Response {
    if (!isClockRight) return new Response(null, { status: CLOCK_REFUSAL });
    const value = this.#valueOf(request);
    const { subject } = claimsOf(request);
    if (this.#unauthorizedAt.get(subject) === Infinity) {
      return refuse(this.endpoint, UNAUTHORIZED, 'unauthorized_client', 'Not authorized')();
    }
    this.#granted.set(value, { ...granted, subject, lifetimeMs: this.lifetimeS * 1000 });
    return this.endpoint.json(200, { access_token: value, expires_in: this.lifetimeS });
  }
}

/** The subject and the expiry of an assertion. */
function claimsOf({ form }: Received): { subject: string; exp: number } {
  const claims: unknown = JSON.parse(
    Buffer.from(form.get('assertion')?.split('.')[1] ?? '', 'base64url').toString('utf8'),
  );
  const { sub, box_sub_type, exp } = claims as Record<'sub' | 'box_sub_type' | 'exp', unknown>;
  return { subject: `${String(box_sub_type)}:${String(sub)}`, exp: Number(exp) };
}

/** `enterprise:1` is the subject of the credentials. */
function subjectOf(key: string): Subject | undefined {
  if (key === 'enterprise:1') return undefined;
  return { type: key.startsWith('user') ? 'user' : 'enterprise', id: idOf(key) };
}

function idOf(key: string): string {
  return key.split(':')[1] ?? '';
}

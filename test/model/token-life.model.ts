/* oxlint-disable vitest/no-standalone-expect -- what must hold is said here, and asked for by the test beside */
import { expect } from 'vitest';
import type { AccessToken } from 'nestjs-box-auth';
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
const FORCED_MS = 10_000;
const MAX_REMEMBERED_MS = 400_000;
const MAX_LIMIT_MS = 120_000;
/** A lost request is noticed within a second of running, and has another second to show that it was not. */
const MAX_GRACE_MS = 2_000;
const LOSES_CONNECTIONS_MS = 2_000;
/** After as many the deadline may be over. */
const MAX_RESTARTS = 3;
/** Of three subjects that may be asked for at once, until the next change of a clock. */
const MAX_CLOCK_REFUSALS = 9;
const MAX_CLOCK_ERROR_MS = 20 * 3_600_000;
/** A status of the test's own. */
const CLOCK_REFUSAL = 418;

/** How the token endpoint behaves from now on. */
export type Weather = 'fine' | 'slow' | 'unavailable' | 'limited' | 'reset' | 'silent' | 'refusing';

/** What the test knows of a token from having granted it. */
interface Granted {
  readonly subject: string;
  readonly wall: number;
  readonly monotonic: number;
  readonly lifetimeMs: number;
  /** How many flushes there had been when it was asked for. */
  readonly flushed: number;
}

/** A moment, by both clocks. */
type Instant = Pick<Granted, 'wall' | 'monotonic'>;

/** A token request, as the test sees it. */
interface Sent {
  readonly weather: Weather;
  /** How often in a row it was started again after a freeze. */
  readonly restarts: number;
  /** It follows another of the same mint, with the same credentials. */
  readonly isRetry: boolean;
  /** The clock was set, or the process was frozen, since it was sent. */
  isShaken: boolean;
  /** When the process went on after the freeze that lost its answer. */
  lostAt: number | undefined;
  /** The clock was set back meanwhile: a sleep of the machine may not show. */
  hidesFreezes: boolean;
  isOver: boolean;
}

interface Failure {
  readonly until: number;
  readonly secret: string;
}

/**
 * A token provider on a clock and an endpoint that obey the test, and what must hold of it whatever happens.
 * It knows nothing of how tokens are kept: only what was asked, granted and given.
 */
export class TokenLife {
  readonly runtime = new FakeRuntime();
  readonly endpoint = new ScriptedEndpoint(this.runtime);
  readonly #box: BoxAuth;
  readonly #granted = new Map<string, Granted>();
  readonly #given: AccessToken[] = [];
  /** Tokens that a caller may expect to get without waiting: granted, and neither refused nor flushed since. */
  readonly #standing = new Map<string, string>();
  readonly #inFlight = new Map<string, number>();
  readonly #failures = new Map<string, Failure>();
  readonly #refusedSecrets = new Set<string>();
  /** Also of what was refused: with another secret it is asked for at once by who waits, but not in the background. */
  readonly #failedAt = new Map<string, number>();
  readonly #forcedAt = new Map<string, Instant>();
  /** The last request of each subject. */
  readonly #sent = new Map<string, Sent>();
  /** Subjects whose request was given up after a freeze: the next one may come at once. */
  readonly #restarting = new Set<string>();
  /** Subjects whose assertion was refused for its dates: the next request is made at once, too. */
  readonly #redating = new Set<string>();
  /** How long after the last forced mint it was refused: a clock may be set back before the next. */
  readonly #refused = new Map<string, number>();
  readonly #callers: Promise<void>[] = [];
  readonly #broken: unknown[] = [];
  #waiting = 0;
  /** How many callers wait for each subject. */
  readonly #waitingFor = new Map<string, number>();
  /** Subjects with a mint that may have begun before the last rotation: it keeps its credentials, and callers share it. */
  readonly #begunBefore = new Set<string>();
  #secret = 'secret-0';
  #flushed = 0;
  #leaps = 0;
  /** How far Box's clock is ahead of the machine's. */
  #boxAheadMs = 0;
  /** How far the gateway's clock, which its `Date` is of, is ahead of Box's. */
  #dateAheadMs = 0;
  #bothClocksWrongAt = -Infinity;
  #clockRefusals = 0;
  /** A 429 pauses the whole app, also where the machine sleeps meanwhile. */
  #limitedAt = -Infinity;
  weather: Weather = 'fine';
  lifetimeS = 3600;

  constructor() {
    this.endpoint.otherwise = (request) => this.#answer(request);
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

  /** So many callers ask at once; `abortAfterMs` ends their wait. */
  async ask(
    subject: string,
    callers: number,
    minValidityMs: number,
    abort: boolean,
  ): Promise<void> {
    const standing = this.#usable(subject);
    const mustNotWait =
      standing !== undefined && minValidityMs === 0 && this.#leftMs(standing) > 60_001;
    for (let caller = 0; caller < callers; caller++) {
      const mustSucceed = standing !== undefined && minValidityMs === 0;
      const call = this.#call(subject, minValidityMs, abort && caller > 0, mustSucceed);
      this.#callers.push(call.catch((error: unknown) => void this.#broken.push(error)));
    }
    const before = this.#waiting;
    const givenBefore = this.#given.length;
    const mustBeNew =
      standing !== undefined && this.#isNearItsEnd(standing) && this.#mayAsk(subject);
    await settled();
    if (mustBeNew) {
      const given = this.#given.slice(givenBefore).map(({ value }) => value);
      expect(given, 'an old token was given where a new one was to be had').not.toContain(standing);
    }
    if (mustNotWait)
      expect(this.#waiting, 'a caller waits though there is a good token').toBeLessThanOrEqual(
        before - callers,
      );
    if (standing !== undefined && this.#isDue(standing) && this.#mayAsk(subject)) {
      expect(this.#usable(subject), 'a token that is due was not renewed').not.toBe(standing);
    }
    const peeked = this.#box.provider.peekToken(subjectOf(subject));
    if (peeked !== undefined) this.#check(peeked, subject, this.#flushed);
  }

  /** Box says 401 to the token that was given so many callers ago. */
  refuse(ago: number): void {
    const token = this.#given.at(-1 - ago);
    if (token === undefined) return;
    const subject = this.#granted.get(token.value)?.subject ?? '';
    const sinceForcedMs = this.#sinceForcedMs(subject);
    const isCurrent = this.#standing.get(subject) === token.value;
    const usable = this.#usable(subject);
    this.#box.provider.invalidate(token);
    const peeked = this.#box.provider.peekToken(token.subject)?.value;
    if (isCurrent && sinceForcedMs >= FORCED_MS) {
      this.#standing.delete(subject);
      this.#refused.set(subject, sinceForcedMs);
      expect(peeked, 'a refused token is still given').not.toBe(token.value);
    } else if (usable !== undefined) {
      expect(peeked, 'a good token is gone').toBe(usable);
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
    this.#standing.clear();
    this.#refused.clear();
    this.#failures.clear();
    this.#failedAt.clear();
    this.#forcedAt.clear();
    this.#box.provider.flush();
    await settled();
  }

  /** Somebody sets the clock. */
  setClock(ms: number): void {
    if (Math.abs(this.#boxAheadMs - ms) > MAX_CLOCK_ERROR_MS) return;
    this.#leap(() => this.runtime.jump(ms));
    this.#changeClocks(() => (this.#boxAheadMs -= ms));
    if (ms >= 0) return;
    for (const sent of this.#sent.values())
      Object.assign(sent, { lostAt: undefined, hidesFreezes: true });
  }

  /** The clock is set right. */
  synchronize(): void {
    this.setClock(this.#boxAheadMs);
  }

  /** Another gateway answers, whose `Date` is so far ahead. */
  gateway(aheadMs: number): void {
    this.#changeClocks(() => (this.#dateAheadMs = aheadMs));
  }

  /** The machine sleeps (its monotonic clock stands still), or the process is stopped (it goes on). */
  freeze(how: 'sleep' | 'freeze', ms: number): void {
    const before = this.runtime.monotonic();
    this.#leap(() => this.runtime[how](ms));
    const stoppedMs = this.runtime.monotonic() - before;
    for (const sent of this.#sent.values()) {
      // Nothing waits while the process is stopped, whatever the clock says.
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
        'a request that was lost in a freeze is still waited for',
      ).toBeLessThanOrEqual(MAX_GRACE_MS);
    }
  }

  /** What was found broken by somebody who could not tell at once. */
  verify(): void {
    if (this.#broken.length > 0) throw this.#broken[0];
  }

  /** Every caller gets an answer in the end, and nothing stays behind. */
  async end(): Promise<void> {
    this.weather = 'fine';
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
    const flushed = this.#flushed;
    const secret = this.#secret;
    const leaps = this.#leaps;
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
      this.#given.push(token);
      this.#check(token, subject, flushed);
    } catch (error) {
      this.#waiting -= 1;
      if (abort && error instanceof DOMException) return;
      if (!(error instanceof BoxAuthError)) throw error;
      this.#checkError(error, subject);
      if (
        error.code === 'client_invalid' &&
        secret === this.#secret &&
        flushed === this.#flushed &&
        !this.#begunBefore.has(subject) &&
        !this.#isLimited // what waits for a rate limit without a caller may be older, too
      ) {
        expect(this.#refusedSecrets, 'a rotated secret was not tried').toContain(secret);
      }
      if (
        mustSucceed &&
        flushed === this.#flushed &&
        leaps === this.#leaps &&
        !this.#refused.has(subject)
      ) {
        throw new Error('a caller got an error though there was a usable token', { cause: error });
      }
    } finally {
      const others = (this.#waitingFor.get(subject) ?? 0) - 1;
      this.#waitingFor.set(subject, others);
      // Where a caller gave up, the mint goes on.
      if (others === 0 && !abort) this.#begunBefore.delete(subject);
    }
  }

  /** What is told of the network and the clocks is true. */
  #checkError({ code }: BoxAuthError, subject: string): void {
    const sent = this.#sent.get(subject);
    // A request that had to wait for a rate limit has what is left of its deadline.
    if (
      code === 'timeout' &&
      !this.#isLimited &&
      sent !== undefined &&
      sent.restarts < MAX_RESTARTS
    ) {
      expect(sent, 'frozen time was counted against a deadline').toMatchObject({
        weather: 'silent',
        lostAt: undefined,
      });
    }
    if (code === 'assertion_expired' || code === 'assertion_not_yet_valid') {
      expect(
        this.runtime.monotonic() - this.#bothClocksWrongAt,
        'an assertion was refused although a clock is right',
      ).toBeLessThanOrEqual(MAX_REMEMBERED_MS);
    }
  }

  /** The token that is given is alive by either clock, of the subject that was asked for, and of no time before a flush. */
  #check(token: AccessToken, subject: string, flushed: number): void {
    const granted = this.#granted.get(token.value);
    expect(granted?.subject, 'a token of another subject').toBe(subject);
    expect(`${token.subject.type}:${token.subject.id}`).toBe(subject);
    expect(granted?.flushed, 'a token of before the flush').toBeGreaterThanOrEqual(flushed);
    expect(this.#leftMs(token.value), 'a token past its end').toBeGreaterThanOrEqual(0);
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

  /** In the last part of its life, whatever was drawn, and when a mint is answered at once. */
  #isDue(value: string): boolean {
    const granted = this.#granted.get(value);
    if (granted === undefined || this.weather !== 'fine') return false;
    const { lifetimeMs } = granted;
    const window = Math.min(Math.max(lifetimeMs * 0.2, 120_000), 600_000, lifetimeMs / 4);
    return this.#leftMs(value) + EXPIRY_MARGIN_MS < window;
  }

  /** In the part of its life where callers wait for a new one, when a mint is answered at once. */
  #isNearItsEnd(value: string): boolean {
    const granted = this.#granted.get(value);
    if (granted === undefined || this.weather !== 'fine') return false;
    const quarterMs = granted.lifetimeMs / 4;
    const remainingMs = this.#leftMs(value) + Math.min(EXPIRY_MARGIN_MS, quarterMs);
    return remainingMs < Math.min(WAIT_MARGIN_MS, quarterMs);
  }

  #mayAsk(subject: string): boolean {
    const now = this.runtime.monotonic();
    const own = this.#failures.get(subject);
    const shared = this.#failures.get('everybody');
    // The package may draw pauses of up to a minute.
    return (
      !this.#areBothClocksWrong &&
      !this.#isLimited &&
      now > this.#bothClocksWrongAt + MAX_REMEMBERED_MS &&
      (this.#inFlight.get(subject) ?? 0) === 0 &&
      (own === undefined || now > own.until + 60_000) &&
      now > (this.#failedAt.get(subject) ?? -Infinity) + 60_000 &&
      (shared === undefined || shared.secret !== this.#secret || now > shared.until + 300_000)
    );
  }

  #usable(subject: string): string | undefined {
    const token = this.#standing.get(subject);
    return token !== undefined && this.#leftMs(token) > 0 ? token : undefined;
  }

  async #answer(request: Received): Promise<Response> {
    const { subject } = claimsOf(request);
    const isRestart = this.#restarting.delete(subject);
    const isRetry = this.#redating.delete(subject) || isRestart;
    const sent: Sent = {
      weather: this.weather,
      restarts: isRestart ? (this.#sent.get(subject)?.restarts ?? 0) + 1 : 0,
      isRetry,
      isShaken: false,
      lostAt: undefined,
      hidesFreezes: false,
      isOver: false,
    };
    this.#sent.set(subject, sent);
    const inFlight = (this.#inFlight.get(subject) ?? 0) + 1;
    this.#promise(() => {
      // Requests that wait for the end of a rate limit were begun before what failed meanwhile.
      if (!isRetry && !this.#isLimited) this.#checkPause(subject, request);
      expect(inFlight, 'two mints of one subject at a time').toBe(1);
    });
    this.#inFlight.set(subject, inFlight);
    const over = () => {
      if (!sent.isOver) this.#inFlight.set(subject, (this.#inFlight.get(subject) ?? 0) - 1);
      sent.isOver = true;
    };
    request.init.signal?.addEventListener('abort', over);
    const flushed = this.#flushed;
    try {
      const response = await this.#weatherly(request, sent);
      if (response.status === CLOCK_REFUSAL) return this.#refuseClock(subject);
      if (response.ok && request.init.signal?.aborted !== true && flushed === this.#flushed)
        this.#onGrant(subject, request);
      else if (flushed === this.#flushed) this.#onFailure(subject, request, response);
      return response;
    } catch (error) {
      if (sent.isShaken && request.init.signal?.aborted === true) this.#onRestart(subject);
      else if (flushed === this.#flushed) this.#onFailure(subject, request, undefined);
      throw error;
    } finally {
      over();
    }
  }

  /** What is broken must not look to the package like a network that fails. */
  #promise(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#broken.push(error);
    }
  }

  /** What failed is not asked for again before its time. */
  #checkPause(subject: string, { at, form }: Received): void {
    for (const key of [subject, 'everybody']) {
      const failure = this.#failures.get(key);
      if (
        failure !== undefined &&
        (key === subject || failure.secret === form.get('client_secret'))
      ) {
        expect(at, `asked again too early (${key})`).toBeGreaterThanOrEqual(failure.until);
      }
    }
    const refusedAfterMs = this.#refused.get(subject);
    if (refusedAfterMs !== undefined) {
      expect(
        Math.max(refusedAfterMs, this.#sinceForcedMs(subject)),
        'two forced mints within 10 s',
      ).toBeGreaterThanOrEqual(FORCED_MS);
    }
  }

  #onGrant(subject: string, request: Received): void {
    const value = this.#valueOf(request);
    this.#failures.delete(subject);
    this.#failedAt.delete(subject);
    if (this.#failures.get('everybody')?.secret === request.form.get('client_secret')) {
      this.#failures.delete('everybody');
    }
    const granted = this.#granted.get(value);
    if (granted === undefined) throw new Error('granted what was not granted');
    // What was dead when it arrived stays dead, wherever the clock is set.
    if (this.#leftMs(value) <= 0) return;
    this.#standing.set(subject, value);
    if (this.#refused.delete(subject)) this.#forcedAt.set(subject, granted);
  }

  /** A request that was in flight over a freeze was given up: to be sent again, or for good. */
  #onRestart(subject: string): void {
    this.#failedAt.set(subject, this.runtime.monotonic());
    this.#restarting.add(subject);
  }

  /** An assertion by a wrong clock is refused. Where either clock is right, that happens a few times at most. */
  #refuseClock(subject: string): Response {
    this.#failedAt.set(subject, this.runtime.monotonic());
    this.#redating.add(subject);
    this.#clockRefusals += 1;
    if (this.#areBothClocksWrong) this.#bothClocksWrongAt = this.runtime.monotonic();
    else {
      this.#promise(() => {
        expect(
          this.#clockRefusals,
          'a wrong clock costs requests again and again',
        ).toBeLessThanOrEqual(MAX_CLOCK_REFUSALS);
      });
    }
    return refuse(this.endpoint, 400, 'invalid_grant', "Please check the 'exp' claim.")();
  }

  get #isLimited(): boolean {
    return this.runtime.monotonic() <= this.#limitedAt + MAX_LIMIT_MS;
  }

  get #areBothClocksWrong(): boolean {
    return this.#boxAheadMs !== 0 && this.#dateAheadMs !== 0;
  }

  #changeClocks(change: () => void): void {
    change();
    this.endpoint.skewMs = this.#boxAheadMs + this.#dateAheadMs;
    this.#clockRefusals = 0;
    // An assertion that is under way is by neither clock.
    if ([...this.#sent.values()].some(({ isOver }) => !isOver)) {
      this.#bothClocksWrongAt = this.runtime.monotonic();
    }
  }

  #leap(happens: () => void): void {
    this.#leaps += 1;
    for (const sent of this.#sent.values()) sent.isShaken = true;
    happens();
  }

  #sinceForcedMs(subject: string): number {
    const forcedAt = this.#forcedAt.get(subject);
    return forcedAt === undefined
      ? Infinity
      : Math.max(this.runtime.now() - forcedAt.wall, this.runtime.monotonic() - forcedAt.monotonic);
  }

  #onFailure(subject: string, { form }: Received, response: Response | undefined): void {
    const secret = form.get('client_secret') ?? '';
    const now = this.runtime.monotonic();
    const retryAfterMs = Number(response?.headers.get('retry-after') ?? 0) * 1000;
    this.#failedAt.set(subject, now);
    if (response?.status === 429) this.#limitedAt = now;
    if (response?.status === 400) {
      this.#failures.set('everybody', { until: now + REMEMBERED_MS, secret });
      this.#refusedSecrets.add(secret);
    } else
      this.#failures.set(subject, { until: now + Math.max(MIN_BACKOFF_MS, retryAfterMs), secret });
  }

  /** No two are the same, not even where a clock stands still. */
  #valueOf(request: Received): string {
    const { subject } = claimsOf(request);
    return `token-${this.endpoint.received.indexOf(request)}-of-${subject}-${request.form.get('client_secret') ?? ''}`;
  }

  async #weatherly(request: Received, sent: Sent): Promise<Response> {
    const granted = {
      wall: this.runtime.now(),
      monotonic: this.runtime.monotonic(),
      flushed: this.#flushed,
    };
    const leftS = claimsOf(request).exp - (this.runtime.now() + this.#boxAheadMs) / 1000;
    const isClockRight = leftS > 0 && leftS <= 60;
    switch (this.weather) {
      case 'fine':
        if (!isClockRight) return new Response(null, { status: CLOCK_REFUSAL });
        return this.#grant(request, granted);
      case 'slow':
        await Promise.race([
          silence(request),
          new Promise<void>((resolve) => void this.runtime.schedule(resolve, 3_000)),
        ]);
        if (sent.lostAt !== undefined) return await silence(request);
        if (!isClockRight) return new Response(null, { status: CLOCK_REFUSAL });
        return this.#grant(request, granted);
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

  #grant(request: Received, granted: Omit<Granted, 'subject' | 'lifetimeMs'>): Response {
    const value = this.#valueOf(request);
    const { subject } = claimsOf(request);
    this.#granted.set(value, { ...granted, subject, lifetimeMs: this.lifetimeS * 1000 });
    return this.endpoint.json(200, { access_token: value, expires_in: this.lifetimeS });
  }
}

/** What an assertion says: whom it is for, and until when. */
function claimsOf({ form }: Received): { subject: string; exp: number } {
  const claims: unknown = JSON.parse(
    Buffer.from(form.get('assertion')?.split('.')[1] ?? '', 'base64url').toString('utf8'),
  );
  const { sub, box_sub_type, exp } = claims as Record<'sub' | 'box_sub_type' | 'exp', unknown>;
  return { subject: `${String(box_sub_type)}:${String(sub)}`, exp: Number(exp) };
}

function subjectOf(key: string): { type: 'enterprise' | 'user'; id: string } | undefined {
  const [type, id = ''] = key.split(':');
  return type === 'enterprise' ? undefined : { type: 'user', id };
}

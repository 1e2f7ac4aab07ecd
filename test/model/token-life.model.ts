/* oxlint-disable vitest/no-standalone-expect -- what must hold is said here, and asked for by the test beside */
import { expect } from 'vitest';
import type { AccessToken } from 'nestjs-box-auth';
import { BoxAuthError } from 'nestjs-box-auth';
import { BoxAuth } from '../../lib/box-auth.js';
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
  /** Also of what was refused: with another secret it is asked for at once by who waits, but not in the background. */
  readonly #failedAt = new Map<string, number>();
  readonly #forcedAt = new Map<string, number>();
  readonly #refused = new Set<string>();
  readonly #callers: Promise<void>[] = [];
  readonly #broken: unknown[] = [];
  #waiting = 0;
  #secret = 'secret-0';
  #flushed = 0;
  #leaps = 0;
  weather: Weather = 'fine';
  lifetimeS = 3600;

  constructor() {
    this.endpoint.otherwise = (request) => this.#answer(request);
    this.#box = new BoxAuth({
      credentials: () => ({ clientId: 'client', clientSecret: this.#secret, enterpriseId: '1' }),
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
    const sinceForcedMs = this.runtime.monotonic() - (this.#forcedAt.get(subject) ?? -Infinity);
    const isCurrent = this.#standing.get(subject) === token.value;
    const usable = this.#usable(subject);
    this.#box.provider.invalidate(token);
    const peeked = this.#box.provider.peekToken(token.subject)?.value;
    if (isCurrent && sinceForcedMs >= FORCED_MS) {
      this.#standing.delete(subject);
      this.#refused.add(subject);
      expect(peeked, 'a refused token is still given').not.toBe(token.value);
    } else if (usable !== undefined) {
      expect(peeked, 'a good token is gone').toBe(usable);
    }
  }

  rotate(): void {
    this.#secret = `secret-${Number(this.#secret.split('-')[1]) + 1}`;
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

  /** Somebody sets the clock, or the machine sleeps: what was alive may be dead all at once. */
  leap(happens: (runtime: FakeRuntime) => void): void {
    this.#leaps += 1;
    happens(this.runtime);
  }

  advance(ms: number): Promise<void> {
    return this.runtime.advance(ms);
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
      const refused = this.#failures.get('everybody');
      if (error.code === 'client_invalid' && secret === this.#secret && flushed === this.#flushed) {
        expect(refused?.secret, 'a rotated secret was not tried').toBe(secret);
      }
      if (
        mustSucceed &&
        flushed === this.#flushed &&
        leaps === this.#leaps &&
        !this.#refused.has(subject)
      ) {
        throw new Error('a caller got an error though there was a usable token', { cause: error });
      }
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
    const subject = `${request.form.get('box_subject_type') ?? ''}:${request.form.get('box_subject_id') ?? ''}`;
    const inFlight = (this.#inFlight.get(subject) ?? 0) + 1;
    this.#promise(() => {
      this.#checkPause(subject, request);
      expect(inFlight, 'two mints of one subject at a time').toBe(1);
    });
    this.#inFlight.set(subject, inFlight);
    let isOver = false;
    const over = () => {
      if (!isOver) this.#inFlight.set(subject, (this.#inFlight.get(subject) ?? 0) - 1);
      isOver = true;
    };
    request.init.signal?.addEventListener('abort', over);
    const flushed = this.#flushed;
    try {
      const response = await this.#weatherly(request);
      if (response.ok && request.init.signal?.aborted !== true && flushed === this.#flushed)
        this.#onGrant(subject, request);
      else if (flushed === this.#flushed) this.#onFailure(subject, request, response);
      return response;
    } catch (error) {
      if (flushed === this.#flushed) this.#onFailure(subject, request, undefined);
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
    if (this.#refused.has(subject)) {
      expect(
        at - (this.#forcedAt.get(subject) ?? -Infinity),
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
    if (this.#refused.delete(subject)) this.#forcedAt.set(subject, this.runtime.monotonic());
    const granted = this.#granted.get(value);
    if (granted === undefined) throw new Error('granted what was not granted');
    // What was dead when it arrived stays dead, wherever the clock is set.
    if (this.#leftMs(value) > 0) this.#standing.set(subject, value);
  }

  #onFailure(subject: string, { form }: Received, response: Response | undefined): void {
    const secret = form.get('client_secret') ?? '';
    const now = this.runtime.monotonic();
    const retryAfterMs = Number(response?.headers.get('retry-after') ?? 0) * 1000;
    this.#failedAt.set(subject, now);
    if (response?.status === 400)
      this.#failures.set('everybody', { until: now + REMEMBERED_MS, secret });
    else
      this.#failures.set(subject, { until: now + Math.max(MIN_BACKOFF_MS, retryAfterMs), secret });
  }

  /** No two are the same, not even where a clock stands still. */
  #valueOf(request: Received): string {
    const { form } = request;
    return `token-${this.endpoint.received.indexOf(request)}-of-${form.get('box_subject_type') ?? ''}-${form.get('box_subject_id') ?? ''}-${form.get('client_secret') ?? ''}`;
  }

  async #weatherly(request: Received): Promise<Response> {
    const granted = {
      wall: this.runtime.now(),
      monotonic: this.runtime.monotonic(),
      flushed: this.#flushed,
    };
    switch (this.weather) {
      case 'fine':
        return this.#grant(request, granted);
      case 'slow':
        await Promise.race([
          silence(request),
          new Promise<void>((resolve) => void this.runtime.schedule(resolve, 3_000)),
        ]);
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
    const subject = `${request.form.get('box_subject_type') ?? ''}:${request.form.get('box_subject_id') ?? ''}`;
    this.#granted.set(value, { ...granted, subject, lifetimeMs: this.lifetimeS * 1000 });
    return this.endpoint.json(200, { access_token: value, expires_in: this.lifetimeS });
  }
}

function subjectOf(key: string): { type: 'enterprise' | 'user'; id: string } | undefined {
  const [type, id = ''] = key.split(':');
  return type === 'enterprise' ? undefined : { type: 'user', id };
}

import { beforeEach, describe, expect, it } from 'vitest';
import type { AuthEvent } from '../../../lib/core/events/auth-events.js';
import { ServerClock } from '../../../lib/core/token-endpoint/server-clock.js';
import { FakeRuntime } from '../../support/fake-runtime.js';

let runtime: FakeRuntime;
let clock: ServerClock;
let events: AuthEvent[];

beforeEach(() => {
  events = [];
  runtime = new FakeRuntime(Date.parse('2026-03-01T12:00:00Z'));
  clock = new ServerClock(runtime, (event) => events.push(event));
});

interface Answer {
  /** What its `Date` says, in milliseconds beside our own noon. */
  readonly dateMs: number;
  /** When it came, in milliseconds beside our own noon. */
  readonly receivedMs?: number;
  readonly durationMs?: number;
  readonly headers?: Record<string, string>;
}

function learn({ dateMs, receivedMs = 0, durationMs = 0, headers = {} }: Answer): void {
  const noon = runtime.now();
  const date = new Date(noon + dateMs).toUTCString();
  clock.learn(new Headers({ date, ...headers }), { receivedAt: noon + receivedMs, durationMs });
}

describe("The issuer's clock", () => {
  it('equals our clock until the first response', () => {
    expect(clock.offsetMs).toBe(0);
    expect(clock.now()).toBe(runtime.now());
  });

  it.each([
    ['ahead', { dateMs: 600_000 }, 600_500],
    ['behind', { dateMs: -600_000 }, -599_500],
    ['ahead, by a slow answer', { dateMs: 600_000, durationMs: 4_000 }, 602_500],
    ['behind, by an answer that came late', { dateMs: 0, receivedMs: 60_000 }, -59_500],
  ])(
    'is %s: it takes the middle of the second, and half of the round trip',
    async (_, answer, offsetMs) => {
      learn(answer);
      expect(clock.offsetMs).toBe(offsetMs);
      expect(clock.now()).toBe(runtime.now() + offsetMs);
      await runtime.advance(5_000);
      expect(clock.now()).toBe(runtime.now() + offsetMs);
    },
  );

  // The Date is cut to the second, and the answer may have been written at either end of the round trip.
  it.each([
    ['at once', 0, 1_000],
    ['in 4 s', 4_000, 3_000],
  ])(
    'is unchanged while a response that arrived %s differs by no more than the measuring error',
    (_, durationMs, uncertainMs) => {
      const measuring = (offsetMs: number) => ({
        dateMs: 0,
        receivedMs: 500 + durationMs / 2 - offsetMs,
        durationMs,
      });
      learn(measuring(uncertainMs));
      learn(measuring(-uncertainMs));
      expect(clock.offsetMs).toBe(0);
      learn(measuring(uncertainMs + 1));
      expect(clock.offsetMs).toBe(uncertainMs + 1);
    },
  );

  it('does not vary between responses, but follows a clock that was set', () => {
    learn({ dateMs: 600_000 });
    learn({ dateMs: 601_000 });
    learn({ dateMs: 599_000 });
    expect(clock.offsetMs).toBe(600_500);
    learn({ dateMs: 0 });
    expect(clock.offsetMs).toBe(500);
  });

  it('is not learned from a response that took more than 10 s', () => {
    learn({ dateMs: 600_000, durationMs: 10_001 });
    expect(clock.offsetMs).toBe(0);
    learn({ dateMs: 600_000, durationMs: 10_000 });
    expect(clock.offsetMs).toBe(605_500);
  });

  it.each([
    ['that a cache gave', { age: '0' }],
    ['whose Date cannot be read', { date: 'noon' }],
    ['whose Date is empty', { date: '' }],
  ])('is not learned from a response %s', (_, headers) => {
    learn({ dateMs: 600_000, headers });
    expect(clock.offsetMs).toBe(0);
  });

  it.each([
    ['after', 1],
    ['before', -1],
  ])('is not learned from a Date more than a day %s our own', (_, sign) => {
    const dayMs = 24 * 60 * 60 * 1000 * sign;
    learn({ dateMs: dayMs + sign * 2000 });
    expect(clock.offsetMs).toBe(0);
    learn({ dateMs: dayMs });
    expect(clock.offsetMs).toBe(dayMs + 500);
  });

  it('is not learned from a Date nine years ahead', () => {
    learn({ dateMs: 9 * 365 * 24 * 60 * 60 * 1000 });
    expect(clock.offsetMs).toBe(0);
  });

  it('is not learned from the last possible Date', () => {
    learn({ dateMs: 0, headers: { date: 'Sat, 13 Sep 275760 00:00:00 GMT' } });
    expect(clock.offsetMs).toBe(0);
  });

  it('is not learned from a response without a Date', () => {
    clock.learn(new Headers(), { receivedAt: runtime.now(), durationMs: 0 });
    expect(clock.offsetMs).toBe(0);
  });
});

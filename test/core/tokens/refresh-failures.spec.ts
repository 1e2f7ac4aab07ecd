import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuthError } from 'nestjs-box-auth';
import { RefreshFailures } from '../../../lib/core/tokens/refresh-failures.js';
import { renewalDefaults } from '../../../lib/core/tokens/renewal.options.js';
import { FakeRuntime } from '../../support/fake-runtime.js';

let runtime: FakeRuntime;
let failures: RefreshFailures;
beforeEach(() => {
  runtime = new FakeRuntime();
  failures = new RefreshFailures(renewalDefaults, runtime);
});

const failure = (more: Partial<ConstructorParameters<typeof BoxAuthError>[0]> = {}) =>
  new BoxAuthError({
    code: 'unavailable',
    message: 'Box is away.',
    hint: 'Wait.',
    docs: 'https://example.com/',
    retryable: true,
    ...more,
  });
const recorded = (thrown: unknown) => failures.record(thrown) as BoxAuthError;
/** Records failures; returns the length of the pause after the last one. */
const pauseAfter = (times: number) => {
  for (let time = 0; time < times; time++) failures.record(failure());
  return failures.pauseError?.retryAfterMs;
};

describe('The failures of a subject', () => {
  it('cause no pause before the first one', () => {
    expect(failures.isPaused).toBe(false);
    expect(failures.pauseError).toBeUndefined();
  });

  it('return the first error unchanged, and further ones with the time of the first', async () => {
    const first = failure();
    expect(failures.record(first)).toBe(first);
    await runtime.advance(5_000);
    const second = recorded(failure({ message: 'Box is still away.' }));
    expect(second.message).toBe(
      'Box is still away. This has failed since 2026-03-01T12:00:00.000Z.',
    );
    expect(second.code).toBe('unavailable');
    await runtime.advance(60_000);
    expect(recorded(failure()).message).toContain('since 2026-03-01T12:00:00.000Z');
  });

  it('return an unexpected error unchanged, and do not count it', () => {
    const bug = new TypeError('a bug');
    expect(failures.record(bug)).toBe(bug);
    expect(failures.isPaused).toBe(false);
    const first = failure();
    expect(failures.record(first)).toBe(first);
  });

  it.each([
    ['without jitter', 0, [1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000]],
    ['with average jitter', 0.5, [1_000, 1_500, 2_500, 4_500, 8_500, 16_500, 30_500, 30_500]],
    ['with full jitter', 1, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]],
  ])('double the pause up to a minute: %s', (_, random, pauses) => {
    runtime.randomValue = random;
    expect(
      pauses.map((_pause, index) => {
        failures = new RefreshFailures(renewalDefaults, runtime);
        return pauseAfter(index + 1);
      }),
    ).toEqual(pauses);
  });

  it('pause exactly until the pause ends', async () => {
    failures.record(failure());
    await runtime.advance(999);
    expect(failures.isPaused).toBe(true);
    expect(failures.pauseError?.retryAfterMs).toBe(1);
    await runtime.advance(1);
    expect(failures.isPaused).toBe(false);
    expect(failures.pauseError).toBeUndefined();
  });

  it('pause at least for Retry-After', async () => {
    const [, second] = [failure({ retryAfterMs: 90_000 }), failure({ retryAfterMs: 90_000 })].map(
      recorded,
    );
    expect(second?.retryAfterMs).toBe(90_000);
    await runtime.advance(30_000);
    expect(failures.pauseError?.retryAfterMs).toBe(60_000);
    expect(pauseAfter(7)).toBeGreaterThan(10_000);
  });

  it('pause only the background refresh after a permanent failure', () => {
    const refused = failure({ code: 'client_invalid', retryable: false, retryAfterMs: 30_000 });
    failures.record(refused);
    expect(failures.pauseError).toBeUndefined();
    expect(failures.isPaused).toBe(true);
    expect(recorded(refused).retryAfterMs).toBe(30_000);
  });

  it('ignore the Retry-After of a permanent failure', async () => {
    failures.record(failure({ retryable: false, retryAfterMs: 30_000 }));
    await runtime.advance(1_000);
    expect(failures.isPaused).toBe(false);
  });
});

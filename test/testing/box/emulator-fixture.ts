import { type BoxConfigJson, BoxEmulator, type BoxEmulatorOptions } from 'nestjs-box-auth/testing';

/** A time that is not now, so that no test can pass by the real clock. */
export const NOW_MS = Date.UTC(2031, 4, 6, 7, 8, 9);

/** Settable: time stands still until a test moves it. */
export interface TestClock {
  nowMs: number;
}

let config: BoxConfigJson | undefined;

/** An emulator of a test's own. The key is made once a file; nothing else outlives a test. */
export async function startEmulator(
  options: BoxEmulatorOptions = {},
): Promise<{ clock: TestClock; emulator: BoxEmulator }> {
  const clock = { nowMs: NOW_MS };
  const emulator = await BoxEmulator.start({
    now: () => clock.nowMs,
    ...(config && { config }),
    ...options,
  });
  config ??= emulator.config;
  return { clock, emulator };
}

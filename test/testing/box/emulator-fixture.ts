import { BoxEmulator, type BoxEmulatorOptions } from 'nestjs-box-auth/testing';

/** Not the current time, so that no test passes because of the real clock. */
export const NOW_MS = Date.UTC(2031, 4, 6, 7, 8, 9);

/** Time stands still until a test sets it. */
export interface TestClock {
  nowMs: number;
}

let config: BoxEmulator['config'] | undefined;

/** Starts an emulator for one test. Only the key is shared by the tests of a file. */
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

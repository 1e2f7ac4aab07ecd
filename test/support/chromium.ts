import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { describe } from 'vitest';

/** The names of the program in Linux distributions, and of Chrome. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** `CHROMIUM` can have the path of a program that is not on PATH. */
const program = process.env['CHROMIUM'] ?? onPath();
if (program === undefined) {
  console.warn(`${NAMES[0]} is not on PATH. Skipping the tests that need a browser.`);
}

/** Skips where Chromium is missing, except on CI, which must have it. */
export const describeWithChromium =
  program !== undefined || process.env['CI'] === 'true' ? describe : describe.skip;

/** Starts Chromium without a window. */
export async function launchChromium(): Promise<Browser> {
  if (program === undefined)
    throw new Error('Chromium is not installed: run apt-get install chromium.');
  // The test runner handles signals.
  const signals = { handleSIGHUP: false, handleSIGINT: false, handleSIGTERM: false };
  return chromium.launch({ executablePath: program, ...signals });
}

function onPath(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

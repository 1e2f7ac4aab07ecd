import { type Platform } from './create-app.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** An invalid environment variable; the message says how to fix it. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

export function platformIn({ PLATFORM = 'express' }: Environment): Platform {
  if (PLATFORM === 'express' || PLATFORM === 'fastify') return PLATFORM;
  throw new SettingsError(`Invalid PLATFORM: expected express or fastify, received "${PLATFORM}".`);
}

/** How many processes to start: the second one listens at the next port. */
export function processesIn({ PROCESSES = '1' }: Environment): 1 | 2 {
  if (PROCESSES === '1' || PROCESSES === '2') return PROCESSES === '1' ? 1 : 2;
  throw new SettingsError(`Invalid PROCESSES: expected 1 or 2, received "${PROCESSES}".`);
}

export function portIn({ PORT = '3000' }: Environment): number {
  const port = Number(PORT);
  if (/^\d+$/.test(PORT) && port <= 65_535) return port;
  throw new SettingsError(
    `Invalid PORT: expected a number from 0 (a free port) to 65535, received "${PORT}".`,
  );
}

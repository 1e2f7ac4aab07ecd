import { once } from 'node:events';
import { setImmediate as nextTurn, setTimeout as inAWhile } from 'node:timers/promises';
import { inspect } from 'node:util';
import type { LoggerService } from '@nestjs/common';
import { expect } from 'vitest';
import { WebSocket } from 'ws';
import { BoxAuthModule, type BoxFetch } from 'nestjs-box-auth';
import type { BoxEmulator } from 'nestjs-box-auth/testing';
import { deferred } from '../../support/deferred.js';

export const ALICE = '11111';
export const BOB = '22222';
export const PEOPLE = [ALICE, BOB];

/** What a server knows of who signed in: no client ever says a Box id. */
const sessions = new Map([
  ['alice-session', ALICE],
  ['bob-session', BOB],
  ['crooked-session', 'alice@example.com'],
]);

export function boxIdOf(session: unknown): string | undefined {
  return typeof session === 'string' ? sessions.get(session) : undefined;
}

export function sessionOf(call: number): string {
  return call % 2 === 0 ? 'alice-session' : 'bob-session';
}

export function personOf(call: number): string {
  return call % 2 === 0 ? ALICE : BOB;
}

export function boxModule(emulator: BoxEmulator) {
  return BoxAuthModule.forRoot({
    credentials: { config: emulator.config },
    apiUrl: emulator.url,
  });
}

/** Who the call is for, says Box. */
export async function whoAmI(box: BoxFetch): Promise<string> {
  const response = await box('/2.0/users/me');
  const { id } = (await response.json()) as { id: string };
  return id;
}

/** The same after everything that an async context has to survive. */
export async function whoAmILater(box: BoxFetch): Promise<string> {
  await Promise.resolve();
  await inAWhile(1);
  await nextTurn();
  await new Promise<void>((resolve) => {
    process.nextTick(resolve);
  });
  return whoAmI(box);
}

/** Holds all who arrive until the last of them is there, then lets them go in the opposite order. */
export class Crossing {
  #waiting: (() => void)[] = [];

  constructor(private readonly expected: number) {}

  async arrive(): Promise<void> {
    const { promise, resolve } = deferred();
    this.#waiting.push(resolve);
    if (this.#waiting.length >= this.expected) {
      for (const go of this.#waiting.toReversed()) go();
      this.#waiting = [];
    }
    await promise;
  }
}

/** The acting users that Box was told, one a call; `undefined` where it was told none. */
export function asUsersSeenBy(emulator: BoxEmulator): (string | undefined)[] {
  return emulator.apiRequests.map(({ actingUser }) => actingUser);
}

/** That Box saw one call, with the service account's token and that acting user. */
export function expectOneCallAs(emulator: BoxEmulator, actingUser: string | undefined): void {
  expect(asUsersSeenBy(emulator)).toEqual([actingUser]);
  expect(emulator.apiRequests[0]?.subject?.type).toBe('enterprise');
}

/** That Box saw one call, with a token of the user's own and nobody to act for. */
export function expectOneCallWithTokenOf(emulator: BoxEmulator, id: string): void {
  expect(asUsersSeenBy(emulator)).toEqual([undefined]);
  expect(emulator.apiRequests[0]?.subject).toEqual({ type: 'user', id });
}

/** That each person was named in as many calls as they made, and nobody else in any. */
export function expectCallsOfBoth(emulator: BoxEmulator, each: number): void {
  const seen = asUsersSeenBy(emulator);
  expect(seen).toHaveLength(2 * each);
  for (const person of PEOPLE) expect(seen.filter((id) => id === person)).toHaveLength(each);
}

/** Keeps what the app logs, as an operator would read it. */
export class KeptLog implements LoggerService {
  readonly lines: string[] = [];
  readonly #keep = (...parts: unknown[]): void => {
    this.lines.push(parts.map((part) => `${inspect(part, { depth: 9 })} ${String(part)}`).join());
  };
  readonly log = this.#keep;
  readonly error = this.#keep;
  readonly warn = this.#keep;
}

/** That none of these texts shows a token, an assertion, or anything else of the credentials. */
export function expectNoSecret(emulator: BoxEmulator, ...texts: string[]): void {
  const { clientSecret, appAuth } = emulator.config.boxAppSettings;
  const secrets = [
    clientSecret,
    appAuth.passphrase,
    ...appAuth.privateKey.split('\n').filter((line) => line.length > 20),
    ...emulator.tokenRequests.map(({ body }) => body?.['assertion'] ?? ''),
    ...emulator.apiRequests.map(({ headers }) => headers['authorization']?.slice(7) ?? ''),
  ].filter((secret) => secret !== '');
  for (const text of texts) for (const secret of secrets) expect(text).not.toContain(secret);
}

/** A socket that speaks JSON, with what it has received so far. */
export class JsonSocket {
  #received: unknown[] = [];
  #wanted = 0;
  #enough = (): void => undefined;

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => {
      this.#received.push(JSON.parse(data.toString()));
      if (this.#received.length >= this.#wanted) this.#enough();
    });
  }

  static async open(url: string, session?: string, protocol?: string): Promise<JsonSocket> {
    const headers = session === undefined ? {} : { authorization: session };
    const socket = new WebSocket(url, protocol, { headers });
    await once(socket, 'open');
    return new JsonSocket(socket);
  }

  send(message: unknown): void {
    this.socket.send(JSON.stringify(message));
  }

  /** Waits until `count` messages are there, and takes them. */
  async take(count: number): Promise<unknown[]> {
    this.#wanted = count;
    if (this.#received.length < count) {
      const { promise, resolve } = deferred();
      this.#enough = resolve;
      await promise;
    }
    return this.#received.splice(0, count);
  }

  close(): void {
    this.socket.terminate();
  }
}

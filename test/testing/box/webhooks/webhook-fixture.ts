import type { ServerResponse } from 'node:http';
import { verifyBoxWebhook } from 'nestjs-box-auth/express';
import type { BoxEmulator, BoxEmulatorOptions, NewWebhook } from 'nestjs-box-auth/testing';
import { onTestFinished } from 'vitest';
import { FakeRuntime } from '../../../support/fake-runtime.js';
import { type Arrived, startServer } from '../../../support/loopback-server.js';
import { NOW_MS, startEmulator } from '../emulator-fixture.js';

/** An emulator with a folder, and an app that receives its webhooks. */
export interface Watched {
  readonly emulator: BoxEmulator;
  readonly runtime: FakeRuntime;
  readonly address: string;
  /** The requests that the app received. */
  readonly arrived: readonly Arrived[];
  readonly folderId: string;
  /** Adds a webhook for the folder, unless another target is given. */
  readonly watch: (triggers: NewWebhook['triggers'], target?: NewWebhook['target']) => string;
  /** The triggers of the events so far, and the ids of their sources. Waits for attempts in progress. */
  readonly reported: () => Promise<string[]>;
}

/** Starts both; they stop after the test. The time of the emulator moves only with `runtime`. */
export async function startWatched(
  respond: (request: Arrived, response: ServerResponse) => void = (_request, response) => {
    response.writeHead(204).end();
  },
  options: BoxEmulatorOptions = {},
): Promise<Watched> {
  const runtime = new FakeRuntime(NOW_MS);
  const { emulator } = await startEmulator({ runtime, now: runtime.now, ...options });
  const server = await startServer(respond);
  onTestFinished(async () => {
    await emulator.stop();
    await server.stop();
  });
  const address = `${server.url}/webhooks/box`;
  const folderId = emulator.addFolder({ name: 'Plans' }).id;
  const ownTarget = { type: 'folder', id: folderId } as const;
  return {
    emulator,
    runtime,
    address,
    arrived: server.arrived,
    folderId,
    watch: (triggers, target = ownTarget) =>
      emulator.webhooks.add({ target, address, triggers }).id,
    reported: async () => {
      await emulator.webhooks.settled();
      return emulator.webhooks.deliveries.map(
        ({ trigger, event }) => `${trigger} ${(event['source'] as { id: string }).id}`,
      );
    },
  };
}

/** Verifies a request with the keys of the emulator, at its time. */
export function verify({ emulator, runtime }: Watched, { body, headers }: Arrived) {
  return verifyBoxWebhook({
    body: Buffer.from(body),
    headers,
    runtime,
    ...emulator.webhooks.keys,
  });
}

/** Waits until a condition holds that network traffic brings about. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

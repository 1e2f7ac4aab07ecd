import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { TokenState } from '../../sample-app/src/tokens/token-states.js';
import { startServer } from '../support/loopback-server.js';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { watch } from './event-stream.js';
import { ALICE, ask, BOB, entriesIn, PLATFORMS, startEmulator } from './portal-fixture.js';
import { StartedProgram } from './started-program.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NEST_START = ['node_modules/@nestjs/cli/bin/nest.js', 'start'];
const BUILT = fileURLToPath(new URL('../../.sample-app/sample-app/src', import.meta.url));
const OAUTH_APP = {
  BOX_OAUTH_CLIENT_ID: 'client',
  BOX_OAUTH_CLIENT_SECRET: 'secret',
  BOX_OAUTH_REDIRECT_URI: 'http://localhost:3000/box/callback',
  BOX_OAUTH_VAULT_SECRET: 'a secret of the vault, 0123456789abcdef',
};
const READY = 'Press Ctrl-C to stop.';
const TO_BUILD_MS = 120_000;
const TO_START_MS = 30_000;

describe('The sample app, built and started by nest start,', { timeout: TO_START_MS }, () => {
  let started: StartedProgram;
  beforeAll(async () => {
    started = StartedProgram.start(NEST_START, ROOT, { PORT: '0' });
    await started.untilPrinted(READY);
  }, TO_BUILD_MS);
  afterAll(() => started.kill());

  test('prints four calls that work, and exits cleanly on Ctrl-C', async () => {
    expect(started.output).toContain('emulator');
    const page = await ask(addressIn(started));
    expect(page.text).toContain('<title>Document portal</title>');

    const calls = started.output.split('\n').filter((line) => line.trim().startsWith('curl '));
    const answers = await Promise.all(calls.map((call) => perform(call)));
    expect(answers).toMatchObject([
      { status: 200, json: { type: 'user', name: 'Emulated App' } },
      { status: 200, json: { id: ALICE.id, name: 'Alice' } },
      { status: 200, json: { total_count: 3 } },
      { status: 200, json: { enterprise: '7654321', serviceAccount: { name: 'Emulated App' } } },
    ]);
    const [, , folder] = answers;
    expect(folder && entriesIn(folder)).toMatchObject([
      { type: 'folder', name: "Bob's papers" },
      { type: 'folder', name: 'Inbox' },
      { type: 'file', name: "Bob's notes.txt" },
    ]);

    expect(await started.interrupt()).toEqual({ code: 0, signal: null });
    expect(started.errors).toBe('');
    await expect(fetch(addressIn(started))).rejects.toThrow('fetch failed');
  });

  test('reads its demo users from the environment, and adds them to the emulator', async () => {
    const other = start({ PORT: '0', DEMO_USERS: 'carol:333, dave:444, erin:555@666' });
    await other.untilPrinted(READY);
    const me = await ask(`${addressIn(other)}/api/me`, { as: 'carol' });
    expect(me).toMatchObject({ status: 200, json: { id: '333', login: 'carol@example.com' } });
    const tenant = await ask(`${addressIn(other)}/api/tenant`, { as: 'erin' });
    expect(tenant).toMatchObject({ status: 200, json: { enterprise: '666' } });
    expect(await ask(`${addressIn(other)}/api/me`, { as: 'alice' })).toMatchObject({ status: 401 });
    expect(other.output).toContain(`curl -H 'x-demo-user: dave'`);
    expect(other.output).toContain(`curl -H 'x-demo-user: erin'`);
    await other.interrupt();
  });

  test.each([
    [
      { PORT: 'http' },
      'Invalid PORT: expected a number from 0 (a free port) to 65535, received "http".',
    ],
    [{ PROCESSES: '3' }, 'Invalid PROCESSES: expected 1 or 2, received "3".'],
    [{ PLATFORM: 'koa' }, 'Invalid PLATFORM: expected express or fastify, received "koa".'],
    [
      { DEMO_USERS: 'alice' },
      'Invalid DEMO_USERS: expected entries such as "alice:123,carol:789@7654321", received "alice".',
    ],
    [
      { BOX_CONFIG_FILE: 'no.json' },
      'The Box configuration file "no.json" of BOX_CONFIG_FILE cannot be read (ENOENT).',
    ],
    [{ ...OAUTH_APP, BOX_OAUTH_VAULT_SECRET: '' }, 'or set BOX_OAUTH_VAULT_SECRET.'],
    [
      { ...OAUTH_APP, DATABASE_URL: 'postgres://postgres@127.0.0.1:1/app' },
      'A statement of the connection vault failed: connect ECONNREFUSED 127.0.0.1:1',
    ],
  ])('does not start with %o, and says why in one line', async (environment, message) => {
    const other = start({ PORT: '0', ...environment });
    expect(await other.ended).toEqual({ code: 1, signal: null });
    expect(other.output).toBe('');
    expect(other.errors.trimEnd().split('\n')).toHaveLength(1);
    expect(other.errors).toContain(message);
  });

  describeWithRedis('in two processes', () => {
    test('shares tokens, and the time and the faults of the emulator', async () => {
      const redis = await RedisServer.start();
      onTestFinished(() => redis.stop());
      const both = start({ PORT: '0', PROCESSES: '2', REDIS_URL: redis.url });
      await both.untilPrinted('The second process listens at');
      const [first = '', second = ''] = addressesIn(both);
      const fingerprintAt = async (url: string) => {
        expect(await ask(`${url}/api/whoami`)).toMatchObject({ status: 200 });
        const { json } = await ask(`${url}/api/tokens`);
        return (json as readonly TokenState[])[0];
      };
      const requested = await fingerprintAt(first);
      expect(requested).toMatchObject({ isShared: false, status: 'valid' });
      const { fingerprint } = requested ?? {};
      expect(await fingerprintAt(second)).toMatchObject({ isShared: true, fingerprint });

      // The fault is a message to the first process, so its effect takes a moment.
      await ask(`${second}/api/faults/expire`, { method: 'POST' });
      await vi.waitFor(async () => {
        for (const url of [first, second]) {
          expect((await fingerprintAt(url))?.fingerprint).not.toBe(fingerprint);
        }
      }, TO_START_MS);
      await ask(`${second}/api/faults/clock`, { method: 'POST' });
      await vi.waitFor(async () => {
        for (const url of [first, second]) {
          const { json } = await ask(`${url}/api/faults`);
          expect(json).toMatchObject({ clockSkewMs: -300_000 });
        }
      }, TO_START_MS);
      expect(await both.interrupt()).toEqual({ code: 0, signal: null });
      expect(both.errors).toBe('');
      await expect(fetch(second)).rejects.toThrow('fetch failed');
    });
  });

  describe.each(PLATFORMS)('on %s', (PLATFORM) => {
    test('reports a webhook of its emulator for the inbox of a user', async () => {
      const other = start({ PORT: '0', PLATFORM });
      await other.untilPrinted(READY);
      const url = addressIn(other);
      const items = entriesIn(await ask(`${url}/api/folders/0/items`, { as: 'carol' }));
      const id = String(items.find(({ name }) => name === 'Inbox')?.['id']);
      const headers = { 'x-demo-user': 'carol' };
      const watcher = await watch(`${url}/api/folders/${id}/changes`, headers);
      const upload = { as: 'carol', method: 'POST', body: 'a' };
      await ask(`${url}/api/files?folder=${id}&name=a.txt`, upload);
      expect(await watcher.next()).toMatchObject({ data: { trigger: 'FILE.UPLOADED' } });
      expect(await other.interrupt()).toEqual({ code: 0, signal: null });
      expect(other.errors).toBe('');
    });

    test('stops on Ctrl-C, even during requests', async () => {
      const other = start({ PORT: '0', PLATFORM });
      await other.untilPrinted(READY);
      expect(other.output).toContain(PLATFORM);
      const path = '/api/files?name=endless.txt';
      const upload = ask(addressIn(other) + path, {
        as: 'bob',
        method: 'POST',
        body: new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('x')) }),
        duplex: 'half',
      });
      const outcome = upload.catch((error: unknown) => error);
      expect(await ask(`${addressIn(other)}/api/me`, { as: 'bob' })).toMatchObject({
        json: { id: BOB.id },
      });
      expect(await other.interrupt()).toEqual({ code: 0, signal: null });
      expect(other.errors).toBe('');
      expect(await outcome).toBeInstanceOf(TypeError);
    });

    test('reports in one line that its port is in use', async () => {
      const taken = await startServer((_, response) => response.end());
      onTestFinished(() => taken.stop());
      const { port } = new URL(taken.url);
      const other = start({ PORT: port, PLATFORM });
      expect(await other.ended).toEqual({ code: 1, signal: null });
      expect(other.output).toBe('');
      expect(other.errors).toBe(
        `Port ${port} is in use. Fix: choose another port, such as PORT=3001 npm start\n`,
      );
    });

    test('leaves nothing that keeps the process alive after it is closed', async () => {
      const emulator = await startEmulator();
      const script = ['--input-type=module', '--eval', CALL_AND_CLOSE];
      const other = StartedProgram.start([...script, pathToFileURL(BUILT).href, PLATFORM], ROOT, {
        BOX_CONFIG: JSON.stringify(emulator.config),
        BOX_API_URL: emulator.url,
        DEMO_USERS: `alice:${ALICE.id}`,
      });
      onTestFinished(() => other.kill());
      expect(await other.ended).toEqual({ code: 0, signal: null });
      expect(other.errors).toBe('');
      expect(other.output).toBe('200 200 200 201 0 timers\n');
      expect(emulator.tokenRequests).toHaveLength(1);
      expect(emulator.apiRequests).toHaveLength(4);
    });
  });
});

/** Starts the built app without Nest's command line, which would build it again. */
function start(environment: Readonly<Record<string, string>>): StartedProgram {
  const program = StartedProgram.start([`${BUILT}/main.js`], ROOT, environment);
  onTestFinished(() => program.kill());
  return program;
}

function addressIn(program: StartedProgram): string {
  const [address] = addressesIn(program);
  if (address === undefined) throw new Error(`There is no address in:\n${program.output}`);
  return address;
}

/** The addresses that a program has printed, each once. */
function addressesIn({ output }: StartedProgram): readonly string[] {
  return [...new Set(output.match(/http:\/\/127\.0\.0\.1:\d+/g))];
}

/** Runs `curl [-H 'name: value']… <URL>` like a shell. */
function perform(command: string) {
  const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(
    ([, quoted, plain]) => quoted ?? plain ?? '',
  );
  const headers: Record<string, string> = {};
  for (const [index, word] of words.entries()) {
    if (words[index - 1] !== '-H') continue;
    const [, name = '', value = ''] = /^([^:]+): (.*)$/.exec(word) ?? [];
    headers[name] = value;
  }
  return ask(words.at(-1) ?? '', { headers });
}

// The emulator runs in the other process, so only the app could keep this one alive.
const CALL_AND_CLOSE = `
const [built, platform] = process.argv.slice(1);
const { createApp } = await import(built + '/create-app.js');
const { onRealBox } = await import(built + '/settings.js');
const app = await createApp(platform, await onRealBox(process.env), { logger: ['error'] });
await app.listen(0, '127.0.0.1');
const url = await app.getUrl();
const headers = { 'x-demo-user': 'alice' };
const statuses = [];
async function call(path, init) {
  const response = await fetch(url + path, { headers, ...init });
  statuses.push(response.status);
  return response;
}
await (await call('/api/whoami')).json();
const { entries } = await (await call('/api/folders/0/items')).json();
const { id } = entries.find(({ type }) => type === 'file');
await (await call('/api/files/' + id + '/content')).text();
await (await call('/api/files?name=a.txt', { method: 'POST', body: 'a' })).json();
await app.close();
// Sockets need another moment to close. The process would not exit if one stayed open.
const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout');
console.log(...statuses, timers.length + ' timers');
`;

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const TIMEOUT_MS = 1_000;
// Longer than the timeout, and by more than the second from which on it counts as a freeze.
const STOPPED_MS = 2_100;

let bundle: string;
const server = createServer();
beforeAll(async () => {
  const { rolldown } = await import('rolldown');
  const built = await rolldown({
    input: 'lib/box/box-auth.ts',
    platform: 'node',
    external: /^[^./]/,
  });
  const { output } = await built.generate({ format: 'esm' });
  bundle = output[0].code;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
beforeEach(() => void server.removeAllListeners('request'));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const grant = (response: ServerResponse, token: string) =>
  response.end(JSON.stringify({ access_token: token, expires_in: 3600 }));

/** Stops itself as soon as the first response has begun. In the end it prints the token, or the code of the error. */
const script = () => `${bundle}
import { writeSync as print } from 'node:fs';
{ // a block, so that its names do not clash with the bundle
let requests = 0;
const box = new BoxAuth({
  credentials: { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' },
  apiUrl: 'http://127.0.0.1:${String((server.address() as AddressInfo).port)}',
  tokenEndpoint: { timeoutMs: ${TIMEOUT_MS}, attempts: 1 },
  fetch: async (input, init) => {
    const response = await fetch(input, init);
    if (requests++ === 0) {
      print(1, 'stopped\\n');
      process.kill(process.pid, 'SIGSTOP');
    }
    return response;
  },
}).provider;
console.log(await box.getToken().then((token) => token.value, (error) => error.code));
process.exit(0);
}`;

/** Runs the script and calls `stopped` while it is stopped. Returns the last line that it printed. */
async function run(stopped: () => void): Promise<string | undefined> {
  const child = spawn(process.execPath, ['--input-type=module', '-'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(script());
  let last: string | undefined;
  for await (const line of createInterface(child.stdout)) {
    last = line;
    if (line !== 'stopped') continue;
    stopped();
    setTimeout(() => child.kill('SIGCONT'), STOPPED_MS);
  }
  return last;
}

describe('A process that was stopped for longer than its timeout, during a token request', () => {
  it('uses the token that arrived meanwhile', async () => {
    const responses: ServerResponse[] = [];
    server.on('request', (_request, response) => {
      responses.push(response);
      response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    });
    expect(await run(() => responses.forEach((response) => grant(response, 'arrived')))).toBe(
      'arrived',
    );
    expect(responses).toHaveLength(1);
  });

  it('sends the request again if the response was lost', async () => {
    let requests = 0;
    server.on('request', (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
      if (++requests > 1) grant(response, 'second');
    });
    expect(await run(() => undefined)).toBe('second');
    expect(requests).toBe(2);
  });
});

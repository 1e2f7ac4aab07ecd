import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { namesUnder } from '../../docs/example.js';
import { startServer } from '../../support/loopback-server.js';
import { emulating, type Running } from './running-emulator.js';

let running: Running;
let token: string;
beforeEach(async () => {
  running = await emulating();
  token = await newToken();
});
afterEach(() => running.stop());

const newToken = async () => (await (await fetch(`${running.url}/emulator/token`)).text()).trim();

const control = (name: string, body: unknown, contentType = 'application/json') =>
  fetch(`${running.url}/emulator/${name}`, {
    method: 'POST',
    headers: { 'content-type': contentType },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

async function call(path = '/2.0/users/me'): Promise<Response> {
  return fetch(running.url + path, { headers: { authorization: `Bearer ${token}` } });
}

const statuses = async (count: number) => {
  const seen: number[] = [];
  for (let index = 0; index < count; index += 1) seen.push((await call()).status);
  return seen;
};

describe('The emulator of the command line', () => {
  it('fails a number of times', async () => {
    const fault = { kind: 'rate-limit', retryAfter: 7 };
    expect((await control('fail', { target: 'api', fault, times: 1 })).status).toBe(204);
    const limited = await call();
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '7']);
    expect(await statuses(1)).toEqual([200]);
  });

  it('fails until it is healed', async () => {
    await control('fail', { target: 'api', fault: { kind: 'unavailable' } });
    expect(await statuses(2)).toEqual([503, 503]);
    await control('heal', { target: 'token' });
    expect(await statuses(1)).toEqual([503]);
    expect((await control('heal', '')).status).toBe(204);
    expect(await statuses(1)).toEqual([200]);
  });

  it('fails at one endpoint', async () => {
    const fault = { kind: 'status', status: 507, headers: { 'x-a': 'b' }, body: { c: 'd' } };
    await control('fail', { target: 'GET /2.0/folders/:id', fault });
    expect(await statuses(1)).toEqual([200]);
    const response = await call('/2.0/folders/0');
    expect([response.status, response.headers.get('x-a')]).toEqual([507, 'b']);
    expect(await response.json()).toEqual({ c: 'd' });
  });

  it('revokes one token, or all', async () => {
    const first = token;
    token = await newToken();
    await control('revoke', { token: first });
    expect(await statuses(1)).toEqual([200]);
    await control('revoke', {});
    expect(await statuses(1)).toEqual([401]);
  });

  it('has a clock that can be wrong', async () => {
    await control('clock', { skewMs: 3_600_000 });
    const date = Date.parse((await call()).headers.get('date') ?? '');
    expect(date - Date.now()).toBeGreaterThan(3_500_000);
    expect(await statuses(1)).toEqual([401]);
  });

  it('adds an enterprise, de-authorizes the app there, and authorizes it again', async () => {
    const carol = { id: '33333', name: 'Carol', login: 'carol@globex.example' };
    const added = await control('enterprises', { id: '7654321', name: 'Globex', users: [carol] });
    expect(added.status).toBe(204);
    const ownToken = token;
    const ofGlobex = () => fetch(`${running.url}/emulator/token?enterprise=7654321`);
    token = (await (await ofGlobex()).text()).trim();
    expect(await (await call('/2.0/users')).json()).toMatchObject({ entries: [carol] });

    expect((await control('deauthorize', { enterprise: '7654321' })).status).toBe(204);
    expect(await statuses(1)).toEqual([401]);
    const refused = await ofGlobex();
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain('Grant credentials are invalid');
    token = ownToken;
    expect(await statuses(1)).toEqual([200]);

    expect((await control('authorize', { enterprise: '7654321' })).status).toBe(204);
    token = (await (await ofGlobex()).text()).trim();
    expect(await statuses(1)).toEqual([200]);
  });

  it('lists the deliveries of webhooks, and delivers again', async () => {
    const app = await startServer((_request, response) => response.writeHead(204).end());
    onTestFinished(() => app.stop());
    const post = async (path: string, body: object): Promise<string> => {
      const headers = { authorization: `Bearer ${token}` };
      const init = { method: 'POST', headers, body: JSON.stringify(body) };
      const json: unknown = await (await fetch(running.url + path, init)).json();
      return (json as { id: string }).id;
    };
    const id = await post('/2.0/folders', { name: 'Plans', parent: { id: '0' } });
    const target = { type: 'folder', id };
    await post('/2.0/webhooks', { target, address: app.url, triggers: ['FOLDER.CREATED'] });
    await post('/2.0/folders', { name: 'New', parent: { id } });
    const deliveries = async () =>
      (await (await fetch(`${running.url}/emulator/deliveries`)).json()) as { id: string }[];
    const [delivery] = await deliveries();
    expect((await control('redeliver', { delivery: delivery?.id })).status).toBe(204);
    const [first, second] = app.arrived;
    expect(second?.body).toBe(first?.body);
    expect(await deliveries()).toMatchObject([{ trigger: 'FOLDER.CREATED', state: 'delivered' }]);
  });

  it.each([
    ['fail', { target: 'everything', fault: { kind: 'hang' } }, 'target: '],
    ['fail', { target: 'GET /2.0/nothing', fault: { kind: 'hang' } }, 'Invalid fault target'],
    ['fail', { target: 'api', fault: { kind: 'hold' } }, 'fault.kind: '],
    ['fail', { target: 'api', fault: { kind: 'delay' } }, 'fault.ms: '],
    ['fail', { target: 'api', fault: { kind: 'hang' }, times: 0 }, 'times: '],
    ['fail', { target: 'api', fault: { kind: 'unavailable', status: 1 } }, 'fault.status: '],
    ['heal', { all: true }, 'all: '],
    ['clock', {}, 'skewMs: '],
    ['clock', { skewMs: 1e15 }, 'Invalid clockSkewMs'],
    ['enterprises', { name: 'Globex' }, 'id: '],
    ['enterprises', { id: 'globex' }, 'Invalid enterprise id'],
    ['enterprises', { id: '7', users: [{ id: '8', name: 'Carol' }] }, 'users.0.login: '],
    ['deauthorize', {}, 'enterprise: '],
    ['deauthorize', { enterprise: '999' }, 'Unknown enterprise'],
    ['authorize', { enterprise: '999' }, 'Unknown enterprise'],
    ['disconnect', {}, 'user: '],
    ['redeliver', {}, 'delivery: '],
    ['redeliver', { delivery: 'x' }, 'Unknown delivery'],
    ['fail', { target: 'api', fault: { kind: 'hang', processed: 1 } }, 'fault.processed: '],
    ['revoke', '{', 'JSON'],
    ['heal', '[]', 'Invalid request'],
    ['heal', `"${'x'.repeat(70_000)}"`, 'at most 65536 bytes'],
  ])('rejects %s with %j', async (name, body, expected) => {
    const response = await control(name, body);
    expect(response.status).toBe(400);
    expect(await response.text()).toContain(expected);
    expect(await statuses(1)).toEqual([200]);
  });

  it('accepts only JSON, which a page of another origin cannot send', async () => {
    const body = { target: 'api', fault: { kind: 'unavailable' } };
    const response = await control('fail', body, 'text/plain');
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('content-type: application/json');
    expect(await statuses(1)).toEqual([200]);
    const preflight = await fetch(`${running.url}/emulator/fail`, { method: 'OPTIONS' });
    expect(preflight.status).toBe(404);
  });

  it('documents all its requests', async () => {
    const documented = namesUnder('docs/emulator.md', 'Control').filter((name) =>
      name.includes(' '),
    );
    expect(documented).toHaveLength(11);
    for (const request of documented) {
      const [method = '', path = ''] = request.split(' ');
      expect((await fetch(running.url + path, { method })).status).not.toBe(404);
    }
  });
});

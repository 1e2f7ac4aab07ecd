import { type WorkfrontEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ReadResponse, request } from '../box/box-client.js';
import { type TestClock } from '../box/emulator-fixture.js';
import { get, mint, PROJECTS, startWorkfront } from './workfront-fixture.js';

const API = '/attask/api/v20.0';

let clock: TestClock;
let emulator: WorkfrontEmulator;
let session: string;
beforeEach(async () => {
  ({ clock, emulator } = await startWorkfront());
  session = await mint(emulator);
});
afterEach(() => emulator.stop());

/** The objects in a list response. */
function listIn({ json }: ReadResponse): Readonly<Record<string, string>>[] {
  expect(json).toMatchObject({ data: expect.any(Array) });
  return (json as { data: Readonly<Record<string, string>>[] }).data;
}

function send(
  method: string,
  path: string,
  contentType: string,
  body: string,
): Promise<ReadResponse> {
  const headers = { sessionID: session, 'content-type': contentType };
  return request(emulator.url + API + path, { method, headers, body });
}

describe('The user of the application', () => {
  test('is found, and shown by id', async () => {
    const user = {
      ID: emulator.credentials.userId,
      name: 'Integration User',
      objCode: 'USER',
      emailAddr: 'integration@example.com',
    };
    expect((await get(emulator, `${API}/user/search`, session)).json).toEqual({ data: [user] });
    const byId = await get(emulator, `${API}/user/${user.ID}`, session);
    expect(byId).toMatchObject({ status: 200 });
    expect(byId.json).toEqual({ data: user });
  });

  test('is not found by another id or as a project', async () => {
    for (const path of ['/user/unknown', `/proj/${emulator.credentials.userId}`]) {
      expect(await get(emulator, API + path, session)).toMatchObject({
        status: 404,
        json: { error: { class: 'com.attask.common.NotFoundException', message: 'Not found' } },
      });
    }
  });
});

describe('Projects', () => {
  test('are listed, and shown by id, at proj and project', async () => {
    const projects = listIn(await get(emulator, PROJECTS, session));
    expect(projects).toMatchObject([
      { name: 'Spring campaign', objCode: 'PROJ' },
      { name: 'Annual report', objCode: 'PROJ' },
    ]);
    const [first] = projects;
    for (const name of ['proj', 'project']) {
      const { json } = await get(emulator, `${API}/${name}/${first?.ID}`, session);
      expect(json).toEqual({ data: first });
    }
  });

  test('are searched by their fields', async () => {
    const paths = ['?name=Annual+report&fields=*&$$LIMIT=10', '?name=Annual'];
    const found: string[][] = [];
    for (const path of paths) {
      const list = listIn(await get(emulator, PROJECTS + path, session));
      found.push(list.map(({ name }) => name ?? ''));
    }
    expect(found).toEqual([['Annual report'], []]);
  });

  test('are changed by JSON or a form, and keep their other fields', async () => {
    const [project] = listIn(await get(emulator, PROJECTS, session));
    const path = `/proj/${project?.ID}`;
    const json = await send(
      'PUT',
      path,
      'application/json',
      '{"priority":2,"ID":"x","objCode":"USER"}',
    );
    expect(json).toMatchObject({ status: 200 });
    expect(json.json).toEqual({ data: { ...project, priority: 2 } });
    const form = await send('PUT', path, 'application/x-www-form-urlencoded', 'name=Summer');
    expect(form.json).toEqual({ data: { ...project, priority: 2, name: 'Summer' } });
    expect((await get(emulator, API + path, session)).json).toEqual(form.json);
    expect(await send('PUT', '/proj/unknown', 'application/json', '{}')).toMatchObject({
      status: 404,
    });
  });
});

describe('A task', () => {
  test('is created by JSON or a form, and found', async () => {
    const json = await send('POST', '/task', 'application/json; charset=utf-8', '{"name":"Draft"}');
    expect(json).toMatchObject({
      status: 200,
      json: { data: { ID: expect.stringMatching(/^\w{32}$/), objCode: 'TASK', name: 'Draft' } },
    });
    await send('POST', '/task', 'application/x-www-form-urlencoded', 'name=Review');
    const tasks = listIn(await get(emulator, `${API}/task/search`, session));
    expect(tasks.map(({ name }) => name)).toEqual(['Draft', 'Review']);
  });

  test.each([
    ['text', 'text/plain', 'name=Draft'],
    ['broken JSON', 'application/json', '{"name"'],
    ['a list', 'application/json', '[]'],
  ])('is not created from %s', async (_what, contentType, body) => {
    expect(await send('POST', '/task', contentType, body)).toMatchObject({
      status: 400,
      json: { error: { message: 'The body must be a JSON object or a form' } },
    });
  });

  test('is limited to 1 MiB', async () => {
    const name = 'x'.repeat(1024 * 1024);
    expect(await send('POST', '/task', 'application/json', `{"name":"${name}"}`)).toMatchObject({
      status: 413,
    });
  });
});

test.each([
  ['POST', '/user'],
  ['PUT', '/user/1'],
  ['DELETE', '/proj/1'],
  ['POST', '/proj/1'],
  ['PUT', '/proj'],
  ['GET', '/proj'],
])('%s %s is not an allowed method', async (method, path) => {
  const init = { method, headers: { sessionID: session } };
  expect(await request(emulator.url + API + path, init)).toMatchObject({ status: 405 });
});

describe('A download', () => {
  async function downloadPath(): Promise<string> {
    const [document] = listIn(await get(emulator, `${API}/docu/search`, session));
    expect(document).toMatchObject({ name: 'Briefing.txt', objCode: 'DOCU' });
    return document?.downloadURL ?? '';
  }

  async function location(): Promise<string> {
    const response = await get(emulator, await downloadPath(), session);
    expect(response).toMatchObject({ status: 302, text: '' });
    return response.headers.get('location') ?? '';
  }

  test('redirects to another origin, with a URL that works once', async () => {
    const address = await location();
    expect(new URL(address).origin).toBe(emulator.downloadUrl);
    expect(emulator.downloadUrl).not.toBe(emulator.url);
    const response = await request(address);
    expect(response).toMatchObject({ status: 200, text: 'This is Briefing.txt.\n' });
    expect(response.headers.get('content-disposition')).toContain('Briefing.txt');
    expect(await request(address)).toMatchObject({
      status: 404,
      json: { error: { message: 'Not found' } },
    });
    expect(emulator.downloadRequests.map(({ status }) => status)).toEqual([200, 404]);
    expect(emulator.requests).not.toContainEqual(emulator.downloadRequests[0]);
  });

  test.each(['sessionID', 'authorization'])('is rejected there with %s', async (name) => {
    const address = await location();
    expect(await request(address, { headers: { [name]: session } })).toMatchObject({
      status: 400,
      json: { error: { class: 'com.attask.common.InvalidRequestException' } },
    });
    expect(emulator.downloadRequests).toMatchObject([
      { headers: { [name.toLowerCase()]: session } },
    ]);
    expect(await request(address)).toMatchObject({ status: 200 });
  });

  test('detects a client that forwards all headers on a redirect', async () => {
    const response = await get(emulator, await downloadPath(), session, { redirect: 'follow' });
    expect(response).toMatchObject({ status: 400 });
  });

  test('expires after fifteen minutes', async () => {
    const address = await location();
    clock.nowMs += 15 * 60_000;
    expect(await request(address)).toMatchObject({ status: 404 });
  });

  test('requires a document, and GET', async () => {
    const headers = { sessionID: session };
    const path = await downloadPath();
    expect(await request(emulator.url + path, { method: 'POST', headers })).toMatchObject({
      status: 404,
    });
    const { userId } = emulator.credentials;
    expect(await get(emulator, `/internal/document/download?ID=${userId}`, session)).toMatchObject({
      status: 404,
    });
  });
});

describe('A route of a test', () => {
  const path = '/attask/api/v20.0/hour/search';

  test('is served after the session check', async () => {
    emulator.route('get', path, (_request, response) => response.end('{"data":[]}'));
    expect(await request(emulator.url + path)).toMatchObject({ status: 401 });
    const response = await get(emulator, path, session);
    expect(response).toMatchObject({ status: 200, text: '{"data":[]}' });
    expect(emulator.apiRequests.map(({ status }) => status)).toEqual([401, 200]);
  });

  test('replaces a built-in resource, but not the exchange', async () => {
    emulator.route('GET', PROJECTS, (_request, response) => response.writeHead(204).end());
    expect(await get(emulator, PROJECTS, session)).toMatchObject({ status: 204 });
    emulator.route('POST', '/integrations/oauth2/api/v1/jwt/exchange', (_request, response) =>
      response.end('{}'),
    );
    expect(await mint(emulator)).toBeTypeOf('string');
  });

  test('outside the API needs no session', async () => {
    expect(await request(`${emulator.url}/health`)).toMatchObject({ status: 404 });
    emulator.route('GET', '/health', (_request, response) => response.end('ok'));
    expect(await request(`${emulator.url}/health`)).toMatchObject({ status: 200, text: 'ok' });
  });

  test('that throws gets a 500', async () => {
    emulator.route('GET', path, () => {
      throw new Error('a mistake of the test');
    });
    expect(await get(emulator, path, session)).toMatchObject({
      status: 500,
      text: expect.stringContaining('a mistake of the test'),
    });
  });
});

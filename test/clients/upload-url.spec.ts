import { HttpService } from '@nestjs/axios';
import { Test } from '@nestjs/testing';
import axios from 'axios';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BoxAuthModule, BoxFetch, BoxTokenProvider } from 'nestjs-box-auth';
import { BoxHttpModule } from 'nestjs-box-auth/axios';
import { boxAuth } from 'nestjs-box-auth/express';
import { attachBoxAuth } from 'nestjs-box-auth/express/axios';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { type LoopbackServer, startServer } from '../support/loopback-server.js';
import { thrownBy } from '../support/thrown.js';

const credentials = { developerToken: 'the-token' };
const UPLOAD = '/api/2.0/files/content';
const ME = '/2.0/users/me';

let api: LoopbackServer;
let uploads: LoopbackServer;
beforeEach(async () => {
  const respond: Parameters<typeof startServer>[0] = (_, response) => response.end('{}');
  [api, uploads] = await Promise.all([startServer(respond), startServer(respond)]);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all([api.stop(), uploads.stop()]);
});

/** The paths of the calls to each server. Every call has a token. */
function paths(): { api: string[]; uploads: string[] } {
  for (const { headers } of [...api.arrived, ...uploads.arrived]) {
    expect(headers.authorization).toBe('Bearer the-token');
  }
  const of = ({ arrived }: LoopbackServer) => arrived.map(({ path }) => path);
  return { api: of(api), uploads: of(uploads) };
}

describe('The option uploadUrl', () => {
  it.each([
    ['is the upload server of Box', {}, 'https://upload.box.com'],
    [
      'is the upload server of Box for apiUrl of Box',
      { apiUrl: 'https://api.box.com/' },
      'https://upload.box.com',
    ],
    [
      'is apiUrl of an emulator or a proxy',
      { apiUrl: 'https://box.example/x' },
      'https://box.example/x',
    ],
    [
      'is as configured',
      { apiUrl: 'https://box.example', uploadUrl: 'https://upload.example/' },
      'https://upload.example',
    ],
  ])('%s', (_, options, expected) => {
    const box = new BoxAuth({ credentials, ...options });
    expect(box.uploadUrl).toBe(expected);
    expect(box.policy.allows(new URL(expected + UPLOAD))).toBe(true);
  });

  it.each(['upload.box.com', 'http://upload.box.com', 'https://upload.box.com/api/2.0'])(
    'is invalid: %s',
    async (uploadUrl) => {
      const error = await thrownBy(() => new BoxAuth({ credentials, uploadUrl }));
      expect(error.code).toBe('option_invalid');
      expect(error.message).toContain('`uploadUrl`');
    },
  );
});

describe('A path below /api/2.0/ goes to uploadUrl, and any other to apiUrl', () => {
  it('with BoxFetch', async () => {
    const box = new BoxAuth({ credentials, apiUrl: api.url, uploadUrl: `${uploads.url}/up` });
    for (const path of [UPLOAD, UPLOAD.slice(1), ME, '/api/2.0', '/2.0/api/2.0/x']) {
      await box.fetch(path);
    }
    await box.fetch(`${api.url}${UPLOAD}`);
    expect(paths()).toEqual({
      api: [ME, '/api/2.0', '/2.0/api/2.0/x', UPLOAD],
      uploads: [`/up${UPLOAD}`, `/up${UPLOAD}`],
    });
  });

  it('with HttpService', async () => {
    const app = await Test.createTestingModule({
      imports: [
        BoxAuthModule.forRoot({ credentials, apiUrl: api.url, uploadUrl: uploads.url }),
        BoxHttpModule,
      ],
    }).compile();
    const { axiosRef } = app.get(HttpService);
    for (const path of [UPLOAD, UPLOAD.slice(1), ME, `${api.url}${UPLOAD}`]) {
      await axiosRef.post(path, 'x');
    }
    await axiosRef.post(UPLOAD, 'x', { baseURL: `${api.url}/mine` });
    expect(paths()).toEqual({
      api: [ME, UPLOAD, `/mine${UPLOAD}`],
      uploads: [UPLOAD, UPLOAD],
    });
    await app.close();
  });

  it('with HttpService, unless it has its own baseURL', async () => {
    const app = await Test.createTestingModule({
      imports: [
        BoxAuthModule.forRoot({ credentials, apiUrl: api.url, uploadUrl: uploads.url }),
        BoxHttpModule.register({ baseURL: api.url }),
      ],
    }).compile();
    await app.get(HttpService).axiosRef.post(UPLOAD, 'x');
    expect(paths()).toEqual({ api: [UPLOAD], uploads: [] });
    await app.close();
  });

  it('by the variables BOX_API_URL and BOX_UPLOAD_URL, in Nest', async () => {
    vi.stubEnv('BOX_API_URL', api.url);
    vi.stubEnv('BOX_UPLOAD_URL', uploads.url);
    const app = await Test.createTestingModule({
      imports: [BoxAuthModule.forRoot({ credentials })],
    }).compile();
    const box = app.get(BoxFetch);
    for (const path of [ME, UPLOAD]) await box(path);
    expect(paths()).toEqual({ api: [ME], uploads: [UPLOAD] });
    const headers = await app.get(BoxTokenProvider).getHeaders(uploads.url + UPLOAD);
    expect(headers).toEqual({ authorization: 'Bearer the-token' });
    await app.close();
  });

  it('by the variables BOX_API_URL and BOX_UPLOAD_URL, in Express', async () => {
    vi.stubEnv('BOX_API_URL', api.url);
    vi.stubEnv('BOX_UPLOAD_URL', uploads.url);
    const box = boxAuth({ credentials });
    for (const path of [ME, UPLOAD]) await box.fetch(path);
    expect(paths()).toEqual({ api: [ME], uploads: [UPLOAD] });
    box.close();
  });
});

it('axios resolves a path against its own baseURL', async () => {
  const box = new BoxAuth({ credentials, apiUrl: api.url, uploadUrl: uploads.url });
  const instance = axios.create({ baseURL: api.url });
  attachBoxAuth(instance, box.provider);
  await instance.post(UPLOAD, 'x');
  expect(paths()).toEqual({ api: [UPLOAD], uploads: [] });
});

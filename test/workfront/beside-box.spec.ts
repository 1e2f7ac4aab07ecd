import { HttpService } from '@nestjs/axios';
import { Controller, Get, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import axios from 'axios';
import { AsUser, BoxAuthModule, BoxFetch, BoxTokenProvider } from 'nestjs-box-auth';
import { BoxAxiosInterceptor, BoxHttpModule } from 'nestjs-box-auth/axios';
import { BoxEmulator, WorkfrontEmulator } from 'nestjs-box-auth/testing';
import {
  WorkfrontAuthModule,
  WorkfrontFetch,
  WorkfrontTokenProvider,
} from 'nestjs-box-auth/workfront';
import {
  WorkfrontAxiosInterceptor,
  WorkfrontHttpModule,
  WorkfrontHttpService,
} from 'nestjs-box-auth/workfront/axios';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runInActingContext } from '../../lib/core/acting/acting.context.js';
import { thrownBy } from '../support/thrown.js';
import { PROJECTS } from './workfront-app.js';

const ALICE = '11111';
const ME = '/2.0/users/me';

@Controller()
class BothController {
  constructor(
    private readonly box: BoxFetch,
    private readonly workfront: WorkfrontFetch,
    private readonly http: WorkfrontHttpService,
  ) {}

  @Get('header')
  @AsUser(ALICE)
  viaHeader(): Promise<readonly number[]> {
    return this.#callAll();
  }

  @Get('token')
  @AsUser(ALICE, { via: 'token' })
  viaToken(): Promise<readonly number[]> {
    return this.#callAll();
  }

  async #callAll(): Promise<readonly number[]> {
    const answers = await Promise.all([
      this.box(ME),
      this.workfront(PROJECTS),
      this.http.axiosRef.get(PROJECTS),
    ]);
    return answers.map(({ status }) => status);
  }
}

let box: BoxEmulator;
let workfront: WorkfrontEmulator;
let app: INestApplication;
beforeAll(async () => {
  [box, workfront] = await Promise.all([BoxEmulator.start(), WorkfrontEmulator.start()]);
  const module = await Test.createTestingModule({
    imports: [
      BoxAuthModule.forRoot({ credentials: { config: box.config }, apiUrl: box.url }),
      WorkfrontAuthModule.forRoot({ url: workfront.url, ...workfront.credentials }),
      BoxHttpModule,
      WorkfrontHttpModule,
    ],
    controllers: [BothController],
  }).compile();
  app = module.createNestApplication({ logger: false });
  await app.listen(0, '127.0.0.1');
});
beforeEach(() => {
  app.get(WorkfrontTokenProvider).flush();
  box.clearRequests();
  workfront.clearRequests();
});
afterAll(async () => {
  await app.close();
  await Promise.all([box.stop(), workfront.stop()]);
});

describe('Box and Workfront in one app', () => {
  it.each([
    ['header', { asUser: ALICE, subject: 'enterprise' }],
    ['token', { asUser: undefined, subject: 'user' }],
  ])('an acting user of a handler (%s) does not affect Workfront calls', async (via, expected) => {
    const answer = await fetch(`${await app.getUrl()}/${via}`);
    expect(await answer.json()).toEqual([200, 200, 200]);

    const [toBox] = box.apiRequests;
    expect(toBox?.actingUser).toBe(expected.asUser);
    expect(toBox?.subject?.type).toBe(expected.subject);

    const value = app.get(WorkfrontTokenProvider).peekToken()?.value;
    expect(workfront.apiRequests).toHaveLength(2);
    for (const { headers } of workfront.apiRequests) {
      expect(headers['sessionid']).toBe(value);
      expect(headers).not.toHaveProperty('as-user');
      expect(headers).not.toHaveProperty('authorization');
    }
    expect(workfront.exchangeRequests).toHaveLength(1);
    expect(workfront.exchangeRequests[0]?.subject?.id).toBe(workfront.credentials.userId);
  });

  it.each(['header', 'token'] as const)(
    'an acting user outside of a request does not affect Workfront calls, via %s',
    async (via) => {
      const provider = app.get(WorkfrontTokenProvider);
      const headers = await runInActingContext({ user: { id: ALICE, via } }, () =>
        provider.getHeaders(workfront.url),
      );
      expect(headers).toEqual({ sessionID: provider.peekToken()?.value });
    },
  );

  it('neither receives a credential of the other, with any client', async () => {
    await Promise.all([
      app.get(BoxTokenProvider).getToken(),
      app.get(WorkfrontTokenProvider).getToken(),
    ]);
    const boxAddress = `${box.url}${ME}`;
    const workfrontAddress = `${workfront.url}${PROJECTS}`;
    const whatever = { validateStatus: () => true };
    const statuses = [
      await app.get(BoxFetch)(workfrontAddress),
      await app.get(HttpService).axiosRef.get(workfrontAddress, whatever),
      await app.get(WorkfrontFetch)(boxAddress),
      await app.get(WorkfrontHttpService).axiosRef.get(boxAddress, whatever),
    ].map(({ status }) => status);
    expect(statuses).toEqual([401, 401, 401, 401]);
    for (const { headers } of [...box.apiRequests, ...workfront.apiRequests]) {
      expect(headers).not.toHaveProperty('authorization');
      expect(headers).not.toHaveProperty('sessionid');
      expect(headers).not.toHaveProperty('as-user');
    }
    expect(box.apiRequests).toHaveLength(2);
    expect(workfront.apiRequests).toHaveLength(2);
  });

  it('a redirect from one to the other carries no credential', async () => {
    workfront.route('GET', '/attask/api/to-box', (_request, response) => {
      response.writeHead(302, { location: `${box.url}${ME}` }).end();
    });
    box.route('GET', '/2.0/to-workfront', (_request, response) => {
      response.writeHead(302, { location: `${workfront.url}${PROJECTS}` }).end();
    });
    for (const call of [
      () => app.get(WorkfrontFetch)('/attask/api/to-box'),
      () => app.get(BoxFetch)('/2.0/to-workfront'),
    ]) {
      expect((await call()).status).toBe(401);
    }
    expect(box.apiRequests[0]?.headers).not.toHaveProperty('sessionid');
    expect(workfront.apiRequests.at(-1)?.headers).not.toHaveProperty('authorization');
  });

  it('an axios instance can be attached to only one of them', async () => {
    const instance = axios.create();
    app.get(BoxAxiosInterceptor).attach(instance);
    const error = await thrownBy(() => app.get(WorkfrontAxiosInterceptor).attach(instance));
    expect(error.code).toBe('option_invalid');
  });

  it('HttpService is for Box, and WorkfrontHttpService is for Workfront', () => {
    expect(app.get(HttpService).axiosRef.defaults.baseURL).toBe(box.url);
    expect(app.get(WorkfrontHttpService).axiosRef.defaults.baseURL).toBe(workfront.url);
  });
});

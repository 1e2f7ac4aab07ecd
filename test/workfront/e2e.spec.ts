import { APP_FILTER } from '@nestjs/core';
import {
  BadGatewayException,
  Body,
  Controller,
  Get,
  type INestApplication,
  Module,
  Param,
  Post,
} from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { BoxAuthExceptionFilter } from 'nestjs-box-auth';
import { WorkfrontEmulator } from 'nestjs-box-auth/testing';
import { WorkfrontAuthModule, WorkfrontFetch } from 'nestjs-box-auth/workfront';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PROJECTS } from './workfront-app.js';

interface Project {
  readonly ID: string;
  readonly name: string;
}

@Controller('projects')
class ProjectsController {
  constructor(private readonly workfront: WorkfrontFetch) {}

  @Get()
  async all(): Promise<readonly string[]> {
    const projects = (await this.#ask(PROJECTS)) as readonly Project[];
    return projects.map(({ name }) => name);
  }

  @Get(':id')
  one(@Param('id') id: string): Promise<unknown> {
    return this.#ask(`/attask/api/v17.0/proj/${encodeURIComponent(id)}`);
  }

  @Post()
  add(@Body() project: Pick<Project, 'name'>): Promise<unknown> {
    return this.#ask('/attask/api/v17.0/proj', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: project.name }),
    });
  }

  async #ask(path: string, init?: RequestInit): Promise<unknown> {
    const response = await this.workfront(path, init);
    if (!response.ok) throw new BadGatewayException(`Workfront returned ${response.status}`);
    return ((await response.json()) as { data: unknown }).data;
  }
}

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('An app on %s', (_, adapter) => {
  let emulator: WorkfrontEmulator;
  let app: INestApplication;
  let url: string;
  beforeAll(async () => {
    emulator = await WorkfrontEmulator.start();
  });
  beforeEach(async () => {
    emulator.clearRequests();
    @Module({
      imports: [WorkfrontAuthModule.forRoot({ url: emulator.url, ...emulator.credentials })],
      controllers: [ProjectsController],
      providers: [{ provide: APP_FILTER, useClass: BoxAuthExceptionFilter }],
    })
    class AppModule {}
    const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
    app = module.createNestApplication(adapter(), { logger: false });
    app.enableShutdownHooks();
    await app.listen(0, '127.0.0.1');
    url = `${await app.getUrl()}/projects`;
  });
  afterEach(async () => {
    emulator.heal();
    await app.close();
  });
  afterAll(() => emulator.stop());

  it('serves ten concurrent requests with one session', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => fetch(url)));
    for (const answer of answers) {
      expect(await answer.json()).toEqual(['Spring campaign', 'Annual report']);
    }
    expect(emulator.exchangeRequests).toHaveLength(1);
    expect(emulator.refusals).toEqual([]);
  });

  it('writes data and reads it back', async () => {
    const added = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"name":"Autumn campaign"}',
    });
    const { ID } = (await added.json()) as Project;
    expect(await (await fetch(`${url}/${ID}`)).json()).toMatchObject({ name: 'Autumn campaign' });
  });

  it('continues after the end of its session', async () => {
    await fetch(url);
    emulator.endAllSessions();
    expect((await fetch(url)).status).toBe(200);
    expect(emulator.exchangeRequests).toHaveLength(2);
  });

  it('responds with 502 while Workfront refuses its credentials', async () => {
    emulator.always('exchange', { kind: 'status', status: 400 });
    const answer = await fetch(url);
    expect(answer.status).toBe(502);
    expect(await answer.text()).not.toContain(emulator.credentials.clientSecret);
  });

  it('responds with 503 while the token endpoint limits the rate', async () => {
    emulator.always('exchange', { kind: 'rate-limit', retryAfter: 60 });
    const answer = await fetch(url);
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get('retry-after'))).toBe(60);
  });
});

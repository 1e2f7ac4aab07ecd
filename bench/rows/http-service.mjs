import { Agent } from 'node:http';
import 'reflect-metadata';
import { HttpModule, HttpService } from '@nestjs/axios';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { BoxAuthModule } from 'nestjs-box-auth';
import { BoxHttpModule } from 'nestjs-box-auth/axios';
import { firstValueFrom } from 'rxjs';
import { throughputOf } from '../measure/throughput.mjs';
import { startStubBox } from '../stage/stub-box.mjs';

const CONCURRENCY = 32;

/** @typedef {import('@nestjs/common').ModuleMetadata['imports']} Imports */

/** @type {Record<string, (stage: import('../row.js').Stage, url: string, httpAgent: Agent) => Imports>} */
const imports = {
  bare: (_stage, baseURL, httpAgent) => [
    HttpModule.register({
      baseURL,
      httpAgent,
      headers: { authorization: 'Bearer fixed' },
    }),
  ],
  ours: ({ config }, apiUrl, httpAgent) => [
    BoxAuthModule.forRoot({ credentials: { config }, apiUrl }),
    BoxHttpModule.register({ httpAgent }),
  ],
};

/** @type {import('../row.js').Row} */
export const row = {
  title: `Calls by HttpService to a server in its own process, ${CONCURRENCY} at a time`,
  subjects: Object.keys(imports),
  units: { rate: '/s', processor: 'us' },
  rounds: 9,
  targets: [{ subject: 'ours', figure: 'rate', over: 'bare', atLeast: 0.95 }],
  async measure(subject, stage) {
    const { url } = await startStubBox();
    const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY });
    class AppModule {}
    Module({ imports: imports[subject]?.(stage, url, agent) ?? [] })(AppModule);
    const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    const http = app.get(HttpService, { strict: false });
    const call = () => firstValueFrom(http.get('/2.0/users/me'));
    await call();
    const load = { concurrency: CONCURRENCY, seconds: stage.isQuick ? 0.05 : 3 };
    return await throughputOf(call, load);
  },
};

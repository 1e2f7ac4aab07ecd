// A function as AWS Lambda calls it. Its tests bundle it, and run it on Deno.
import 'reflect-metadata';
import { HttpService } from '@nestjs/axios';
import { NestFactory } from '@nestjs/core';
import { BoxAuthModule, BoxFetch, BoxTokenProvider } from 'nestjs-box-auth';
import { BoxHttpModule } from 'nestjs-box-auth/axios';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { firstValueFrom } from 'rxjs';
import { Agent, request } from 'undici';

class AppModule {}

/** Lambda keeps the module, and so the app with its token, between calls. */
const started = NestFactory.createApplicationContext(
  { module: AppModule, imports: [BoxAuthModule.forRoot(), BoxHttpModule] },
  { logger: ['warn', 'error', 'fatal'], abortOnError: false },
);

/**
 * @param {{ userId: string }} event
 * @returns {Promise<string[]>} the name of the user, as each client reads it
 */
export async function handler({ userId }) {
  const app = await started;
  const provider = app.get(BoxTokenProvider);
  const dispatcher = new Agent().compose(boxAuthInterceptor(provider));
  return provider.runAs(userId, async () => {
    const byFetch = await app.get(BoxFetch)('/2.0/users/me');
    const byAxios = await firstValueFrom(app.get(HttpService).get('/2.0/users/me'));
    const url = `${process.env.BOX_API_URL}/2.0/users/me`;
    const byUndici = await request(url, { dispatcher });
    return [await byFetch.json(), byAxios.data, await byUndici.body.json()].map(nameOf);
  });
}

/** @param {unknown} user */
function nameOf(user) {
  return user instanceof Object && 'name' in user ? String(user.name) : JSON.stringify(user);
}

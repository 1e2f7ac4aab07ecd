import axios, { AxiosHeaders } from 'axios';
import { BoxAxiosInterceptor } from 'nestjs-box-auth/axios';
import { perCall } from '../measure/per-call.mjs';
import { openBoxAuth } from '../peers/nestjs-box-auth.mjs';
import { startStubBox } from '../stage/stub-box.mjs';

/** @typedef {import('axios').AxiosInstance} AxiosInstance */

/** @type {Record<string, (instance: AxiosInstance, provider: import('nestjs-box-auth').BoxTokenProvider) => void>} */
const interceptors = {
  'bare axios': () => undefined,
  'an interceptor that sets two headers': (instance) => {
    instance.interceptors.request.use((config) => {
      config.headers.set('authorization', 'Bearer fixed');
      config.headers.set('as-user', '11111');
      return config;
    });
  },
  'an interceptor that awaits getHeaders': (instance, provider) => {
    instance.interceptors.request.use(async (config) => {
      config.headers.set(await provider.getHeaders(`${config.baseURL}${config.url}`));
      return config;
    });
  },
  ours: (instance, provider) => new BoxAxiosInterceptor(provider).attach(instance),
};

const setTwice = () =>
  new AxiosHeaders().set('authorization', 'Bearer fixed').set('as-user', '11111');

/** @type {import('../row.js').Row} */
export const row = {
  title: 'Bearer and as-user on an axios request that is answered at once',
  subjects: [...Object.keys(interceptors), 'AxiosHeaders.set, twice'],
  units: { time: 'ns' },
  nodeFlags: ['--expose-gc'],
  targets: [{ subject: 'ours', figure: 'time', minus: 'bare axios', atMost: 500 }],
  async measure(subject, stage) {
    if (subject === 'AxiosHeaders.set, twice') {
      return { time: (await perCall(setTwice, stage)).ns };
    }
    const { url } = await startStubBox();
    const provider = await openBoxAuth(stage, url);
    const instance = axios.create({
      baseURL: url,
      adapter: async (config) => ({
        config,
        data: '{}',
        status: 200,
        statusText: 'OK',
        headers: new AxiosHeaders(),
      }),
    });
    interceptors[subject]?.(instance, provider);
    const call = () => instance.get('/2.0/users/me');
    return await provider.runAs('11111', async () => {
      await call();
      return { time: (await perCall(call, stage)).ns };
    });
  },
};

import { Worker } from 'node:worker_threads';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import type { PoolOptions, PoolWorker, TestSpecification, WorkerRequest } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';
import { base } from './vitest.config.js';

/** Tests that cover a folder of lib from outside its own folder in test. */
const more: Readonly<Record<string, readonly string[]>> = {
  'core/acting': [
    'box/{box-token.provider,tenants}',
    'clients/tenants',
    'nest/{acting.interceptor,as-user.decorator,for-enterprise.decorator}',
  ],
  'core/credentials': ['box/credentials/*', 'core/token-endpoint/token-function'],
  'core/http': [
    'box/box-token.provider',
    'clients/{api-request-events,body-wait,fetch-requests,long-bodies,outgoing-rules,plain-fetch,token-wait}',
  ],
  'core/tokens': ['box/box-token.provider', 'core/events/auth-channels'],
  'core/connections': [
    'box/connections/*',
    'security/no-secret-is-shown',
    'terminus/box-connections-health.indicator',
  ],
  'core/token-endpoint': ['box/{box-issuer,downscope,revocation}'],
  'box/credentials': ['core/credentials/*', 'core/token-endpoint/static-token'],
  'core/app': [
    'core/events/auth-channels',
    'core/tokens/token-lifetime',
    'express/operations',
    'nest/failed-calls',
    'terminus/box-health.indicator',
  ],
  'core/errors': ['nest/failed-calls', 'security/no-secret-is-shown'],
  axios: [
    'clients/{api-errors,body-wait,caller-identity,confidential-headers,destroyed-streams,endless-calls}',
    'clients/{long-bodies,plain-clients,proxy,token-wait,upload-url}',
    'workfront/beside-box',
  ],
  undici: ['clients/*'],
  nest: ['box/nest/*'],
};

/** Long proofs of another kind. A mutant that only they notice needs a test of its own. */
const slow = [
  'core/credentials/sent-values',
  'core/runtime/{frozen-process,process,stopped-process}',
  'core/token-endpoint/{hostile-answers,rate-limit,untrusted-server,wrong-date}',
  'core/tokens/{duration-limits,hostile-*,retry-loops,token-load}',
  'nest/requests-are-released',
  'undici/caching-dispatchers',
];

const folder = process.env['MUTATED_FOLDER'] ?? '';
const specs = (names: readonly string[]) => names.map((name) => `test/${name}.spec.ts`);

/**
 * Keeps one thread, with its modules loaded, for all mutants; only spec files are loaded again.
 * Loading took nine tenths of the time. Static mutants need a fresh load: `stryker.config.mjs` ignores them.
 */
class WarmThread implements PoolWorker {
  static #thread: Worker | undefined;

  readonly name = 'warm';
  readonly #options: PoolOptions;
  readonly #listeners: [event: string, listener: (value: unknown) => void][] = [];

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  async start() {
    const { distPath, env, execArgv } = this.#options;
    WarmThread.#thread ??= new Worker(join(distPath, 'workers/threads.js'), { env, execArgv });
  }

  send(message: WorkerRequest) {
    // After a real stop, the thread would ignore all messages.
    if (message.type !== 'stop') WarmThread.#thread?.postMessage(message);
    else WarmThread.#thread?.emit('message', { type: 'stopped', __vitest_worker_response__: true });
  }

  on(event: string, listener: (value: unknown) => void) {
    WarmThread.#thread?.on(event, listener);
    this.#listeners.push([event, listener]);
  }

  off(event: string, listener: (value: unknown) => void) {
    WarmThread.#thread?.off(event, listener);
  }

  async stop() {
    for (const [event, listener] of this.#listeners) this.off(event, listener);
    WarmThread.#thread?.unref();
  }

  deserialize(data: unknown) {
    return data;
  }
}

/** The tests of the folder itself come first: they are short, and the first failure ends a run. */
class OwnTestsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]) {
    const own = files.filter((file) => file.moduleId.includes(`/test/${folder}/`));
    return [...own, ...files.filter((file) => !own.includes(file))];
  }
}

export default defineConfig({
  ...base,
  plugins: [
    {
      name: 'warm-thread',
      // Stryker overrides `pool`, so set it after the configuration is resolved.
      configureVitest({ project }) {
        project.config.pool = 'warm';
        project.config.poolRunner = {
          name: 'warm',
          createPoolWorker: (options) => new WarmThread(options),
        };
      },
    },
  ],
  test: {
    isolate: false,
    setupFiles: [
      'reflect-metadata',
      './test/support/node-fetch.ts',
      './scripts/no-active-mutant.mjs',
    ],
    // A mutant that makes a test wait for ever must not make Stryker start its process again.
    testTimeout: 20_000,
    reporters: [{}],
    sequence: { sequencer: OwnTestsFirst },
    include: specs([`${folder}/**/*`, ...(more[folder] ?? [])]),
    exclude: specs(slow),
  },
});

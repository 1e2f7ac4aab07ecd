import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const lib = fileURLToPath(new URL('./lib', import.meta.url));

/** Specs that leave their process changed, hear events of all apps in it, or measure its memory or speed. */
const isolated = [
  'test/clients/{api-request-events,token-wait}.spec.ts',
  'test/core/acting/acting.context.spec.ts',
  'test/core/events/auth-channels.spec.ts',
  'test/core/tokens/retry-loops.spec.ts',
  'test/e2e/large-uploads.spec.ts',
  'test/fleet/*.spec.ts',
  'test/nest/requests-are-released.spec.ts',
  'test/testing/fake-box/fake-box.spec.ts',
];

/** Shared with vitest.mutation.config.ts. */
export const base = {
  // Nest reads constructor parameter types at run time.
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  resolve: {
    alias: [
      { find: /^nestjs-box-auth$/, replacement: `${lib}/index.ts` },
      { find: /^nestjs-box-auth\/([\w/]+)$/, replacement: `${lib}/$1/index.ts` },
    ],
  },
};

export default defineConfig({
  ...base,
  test: {
    // One more than there are cores, as some specs spend their time waiting.
    maxWorkers: availableParallelism() + 1,
    // A loaded machine is no reason to fail.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'isolated',
          include: isolated,
          setupFiles: ['reflect-metadata'],
        },
      },
      {
        extends: true,
        test: {
          name: 'shared',
          include: ['test/**/*.spec.ts'],
          exclude: isolated,
          // Loading Nest, axios and lib again for each spec took more time than most specs.
          isolate: false,
          setupFiles: [
            'reflect-metadata',
            'test/support/node-fetch.ts',
            'test/support/unchanged-process.ts',
          ],
        },
      },
    ],
  },
});

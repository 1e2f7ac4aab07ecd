import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

const lib = fileURLToPath(new URL('./lib', import.meta.url));

/** Specs that leave their process changed, hear events of all apps in it, or measure its memory or speed. */
const isolated = [
  'test/clients/{api-request-events,token-wait}.spec.ts',
  'test/core/acting/acting.context.spec.ts',
  'test/core/events/auth-channels.spec.ts',
  'test/core/tokens/retry-loops.spec.ts',
  'test/e2e/large-uploads.spec.ts',
  'test/fleet/*.spec.ts',
  'test/nest/{observe,requests-are-released}.spec.ts',
  'test/testing/fake-box/fake-box.spec.ts',
];

/** Specs that take three seconds and more, the longest first. */
const long = [
  'fleet/lost-store',
  'fleet/undisturbed',
  'e2e/large-uploads',
  'nest/requests-are-released',
  'fleet/connections',
  'fleet/cluster',
  'e2e/nest-start',
  'undici/undici-authorization',
  'e2e/portal-page',
  'e2e/portal-tokens',
  'sdk/sdk',
  'security/no-secret-is-reachable',
  'e2e/tenants-in-nest',
  'package/api',
  'model/connection-life',
  'e2e/portal-browser',
  'clients/all-clients',
  'model/token-life',
  'core/tokens/token-load',
  'e2e/portal-streams',
  'security/hostile-ports',
  'e2e/portal-routes',
  'model/tenant-isolation',
  'model/shared-token',
  'core/http/rate-limited-callers',
  'security/no-secret-is-shown',
  'security/linear-time',
  'box/connections/routes',
  'e2e/portal-isolation',
  'package/minified-bundle',
  'e2e/tenants-in-express',
  'testing/box/api/upload-sessions',
  'cli/keygen/keygen.command',
  'clients/api-retries',
];

function rank({ moduleId }: TestSpecification): number {
  const index = long.findIndex((name) => moduleId.endsWith(`/test/${name}.spec.ts`));
  return index === -1 ? long.length : index;
}

/**
 * Starts the long specs of each project first, so that no core is idle at the end. Without the results of an earlier run, Vitest
 * goes by the size of the files.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]) {
    // oxlint-disable-next-line unicorn/no-array-sort -- a method of the sequencer
    const sorted = await super.sort(files);
    const projects = [...new Set(sorted.map(({ project }) => project))];
    return projects.flatMap((project) =>
      sorted.filter((file) => file.project === project).toSorted((a, b) => rank(a) - rank(b)),
    );
  }
}

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
    sequence: { sequencer: LongestFirst },
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

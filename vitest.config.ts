import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const lib = fileURLToPath(new URL('./lib', import.meta.url));

export default defineConfig({
  // Nest reads constructor parameter types at run time.
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  resolve: {
    alias: [
      { find: /^nestjs-box-auth$/, replacement: `${lib}/index.ts` },
      { find: /^nestjs-box-auth\/([\w/]+)$/, replacement: `${lib}/$1/index.ts` },
    ],
  },
  test: {
    include: ['test/**/*.spec.ts'],
    setupFiles: ['reflect-metadata'],
    maxWorkers: '100%',
    // A loaded machine is no reason to fail.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});

import { defineConfig } from 'vitest/config';
import config from './vitest.config.js';

/** What is quick: each mutant is met by all of it. The long ones are proofs of another kind. */
export default defineConfig({
  ...config,
  test: {
    ...config.test,
    isolate: false,
    testTimeout: 5_000,
    include: ['test/unit/*.spec.ts'],
    exclude: ['test/unit/{process,no-secret-is-shown,injection}.spec.ts'],
    testNamePattern: /^(?!.*(?:100,000|over a day|padding happens|10,000))/,
  },
});

import { mergeConfig } from 'vitest/config';
import config from './vitest.config.js';

/** What is quick: each mutant is met by all of it. The long ones are proofs of another kind. */
const quick = mergeConfig(config, {
  test: {
    testNamePattern: /^(?!.*(?:100,000|over a day|padding happens|10,000))/,
  },
});

export default { ...quick, test: { ...quick.test, include: ['test/{unit,nest}/**/*.spec.ts'] } };

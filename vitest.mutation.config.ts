import { defineConfig } from 'vitest/config';
import config from './vitest.config.js';

/** The tests that each room of the core is to be held by. Each mutant is met by all of them that reach it. */
const specs: Readonly<Record<string, readonly string[]>> = {
  credentials: ['assertion', 'config-json', 'credentials', 'field-checks', 'keys', 'private-key'],
  'token-endpoint': [
    'access-token',
    'downscope',
    'given-token',
    'hostile-answers',
    'keys',
    'refused-credentials',
    'retry-after',
    'revocation',
    'server-clock',
    'token-attempts',
    'token-endpoint',
    'token-request',
    'unreachable',
  ],
  tokens: [
    'aborted',
    'access-tokens',
    'auth-events',
    'hostile-answers',
    'memory-token-store',
    'renewal-failures',
    'renewal.options',
    'renewing-token',
    'shared-tokens',
    'sharing',
    'store-guard',
    'tokens',
  ],
  outgoing: [
    'authorized-fetch',
    'axios-authorization',
    'axios-over-fetch',
    'fronts',
    'outgoing',
    'outgoing-policy',
    'redirect',
    'replayable-body',
    'undici',
    'url-rules',
  ],
};

const room = process.env['MUTATED_ROOM'] ?? '';

export default defineConfig({
  ...config,
  test: {
    ...config.test,
    isolate: false,
    testTimeout: 5_000,
    include: (specs[room] ?? []).map((name) => `test/unit/${name}.spec.ts`),
    // The long ones are proofs of another kind.
    testNamePattern: /^(?!.*(?:100,000|over a day|padding happens|10,000))/,
  },
});

import * as fc from 'fast-check';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AssertionRules, checkAssertion } from '../../../lib/testing/box/assertion-check.js';
import { postAssertion, tokenIn } from './box-client.js';
import { changedAnywhere } from './changed-text.js';
import { NOW_MS } from './emulator-fixture.js';
import { makeAssertion } from './hand-made-assertion.js';

let emulator: BoxEmulator;
let rules: AssertionRules;
beforeAll(async () => {
  emulator = await BoxEmulator.start({ now: () => NOW_MS });
  const { clientID, appAuth } = emulator.config.boxAppSettings;
  const key = createPrivateKey({ key: appAuth.privateKey, passphrase: appAuth.passphrase });
  rules = {
    clientId: clientID,
    publicKeys: new Map([[appAuth.publicKeyID, createPublicKey(key)]]),
    nowMs: NOW_MS,
    isKnown: ({ type, id }) => type === 'enterprise' && id === emulator.config.enterpriseID,
    isUsed: () => false,
  };
});
afterAll(() => emulator.stop());

const names = ['iss', 'sub', 'box_sub_type', 'aud', 'exp', 'jti'] as const;

test('rejects an assertion with any one character changed', () => {
  const assertion = makeAssertion(emulator.config);
  expect(checkAssertion(assertion, rules)).toMatchObject({ isValid: true });
  fc.assert(
    fc.property(changedAnywhere(assertion), (changed) => {
      expect(checkAssertion(changed, rules)).toMatchObject({ isValid: false });
    }),
    { numRuns: 1000 },
  );
});

test('rejects every other encoding of the last character of a signature', () => {
  const assertion = makeAssertion(emulator.config);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const accepted = alphabet
    .split('')
    .filter((character) => checkAssertion(assertion.slice(0, -1) + character, rules).isValid);
  expect(accepted).toEqual([assertion.slice(-1)]);
});

test('rejects a changed assertion over HTTP, and then accepts the original', async () => {
  const assertion = makeAssertion(emulator.config);
  await fc.assert(
    fc.asyncProperty(changedAnywhere(assertion), async (changed) => {
      const response = await postAssertion(emulator, changed);
      expect(response).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    }),
    { numRuns: 60 },
  );
  tokenIn(await postAssertion(emulator, assertion));
});

test('never throws, whatever the assertion', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (...parts) => {
      expect(checkAssertion(parts.join('.'), rules)).toMatchObject({ isValid: false });
    }),
  );
});

test('rejects any wrong claim, even with a valid signature', () => {
  // fast-check generates no client id and no Box URL, but it may generate a valid jti.
  const wrongValue = fc.jsonValue().filter((value) => typeof value !== 'string');
  fc.assert(
    fc.property(fc.constantFrom(...names), wrongValue, (name, value) => {
      const claims = { [name]: name === 'exp' && typeof value === 'number' ? value + 0.5 : value };
      const verdict = checkAssertion(makeAssertion(emulator.config, { claims }), rules);
      expect(verdict).toMatchObject({ isValid: false });
    }),
    { numRuns: 200 },
  );
});

test('never throws, whatever header is signed', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom('alg', 'kid', 'typ', 'crit'), fc.jsonValue(), { minKeys: 1 }),
      (header) => {
        const verdict = checkAssertion(makeAssertion(emulator.config, { header }), rules);
        expect(verdict).toMatchObject({ isValid: false });
      },
    ),
    { numRuns: 200 },
  );
});

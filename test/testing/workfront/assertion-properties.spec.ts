import * as fc from 'fast-check';
import { createPrivateKey, createPublicKey, randomUUID, sign } from 'node:crypto';
import { type WorkfrontEmulator } from 'nestjs-box-auth/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  checkAssertion,
  type AssertionRules,
} from '../../../lib/testing/workfront/assertion-check.js';
import { tokenIn } from '../box/box-client.js';
import { changedAnywhere } from '../box/changed-text.js';
import { NOW_MS } from '../box/emulator-fixture.js';
import { signingInput } from '../box/hand-made-assertion.js';
import { makeJwt, NOW_S, postJwt, startWorkfront } from './workfront-fixture.js';

let emulator: WorkfrontEmulator;
let rules: AssertionRules;
beforeAll(async () => {
  ({ emulator } = await startWorkfront());
  rules = {
    ...emulator.credentials,
    publicKeys: [createPublicKey(emulator.credentials.privateKey)],
    nowMs: NOW_MS,
    isUsed: () => false,
  };
});
afterAll(() => emulator.stop());

type Json = Readonly<Record<string, unknown>>;

/** Signs any claims with the right key. */
function signed(claims: Json, header: Json = { alg: 'RS256' }): string {
  const { customerId, userId, privateKey } = emulator.credentials;
  const right = { iss: customerId, sub: userId, exp: NOW_S + 60, iat: NOW_S, nbf: NOW_S };
  const input = signingInput(header, { ...right, ...claims });
  const signature = sign('RSA-SHA256', Buffer.from(input), createPrivateKey(privateKey));
  return `${input}.${signature.toString('base64url')}`;
}

const REASONS = {
  iss: ['issuer'],
  sub: ['subject'],
  exp: ['expiry-missing', 'expired', 'expiry-too-far'],
  iat: ['not-yet-valid'],
  nbf: ['not-yet-valid'],
} as const;

function isRight(name: keyof typeof REASONS, value: unknown): boolean {
  if (name === 'iss') return value === emulator.credentials.customerId;
  if (name === 'sub') return value === emulator.credentials.userId;
  if (typeof value !== 'number') return false;
  if (name !== 'exp') return value <= NOW_S + 5;
  return Number.isInteger(value) && value > NOW_S && value <= NOW_S + 180;
}

const names = fc.constantFrom('iss', 'sub', 'exp', 'iat', 'nbf');
const values = fc.oneof(
  fc.jsonValue(),
  fc.integer({ min: NOW_S - 1000, max: NOW_S + 1000 }),
  fc.constant(undefined),
);

test('accepts a JWT with valid claims', () => {
  expect(checkAssertion(signed({}), rules)).toMatchObject({ isValid: true });
});

test('rejects a JWT with one changed claim, and names the claim', () => {
  fc.assert(
    fc.property(names, values, (name, value) => {
      fc.pre(!isRight(name, value) && !(value === undefined && (name === 'iat' || name === 'nbf')));
      const verdict = checkAssertion(signed({ [name]: value }), rules);
      expect(verdict.isValid).toBe(false);
      expect(REASONS[name]).toContain('reason' in verdict ? verdict.reason : undefined);
    }),
    { numRuns: 400 },
  );
});

test('accepts a JWT with any valid time', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 180 }),
      fc.integer({ min: -NOW_S, max: 5 }),
      (exp, iat) => {
        const jwt = signed({ exp: NOW_S + exp, iat: NOW_S + iat });
        expect(checkAssertion(jwt, rules)).toMatchObject({ isValid: true });
      },
    ),
    { numRuns: 50 },
  );
});

test('rejects a JWT with any changed character over HTTP, and then accepts the original', async () => {
  const jwt = await makeJwt(emulator);
  await fc.assert(
    fc.asyncProperty(changedAnywhere(jwt), async (changed) => {
      expect(await postJwt(emulator, changed)).toMatchObject({
        status: 400,
        json: { error: 'invalid_grant' },
      });
    }),
    { numRuns: 60 },
  );
  tokenIn(await postJwt(emulator, jwt));
});

test('never throws, whatever the JWT', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (...parts) => {
      expect(checkAssertion(parts.join('.'), rules)).toMatchObject({ isValid: false });
    }),
  );
});

test('accepts only RS256, whatever header is signed', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom('alg', 'typ', 'crit'), fc.jsonValue(), { minKeys: 1 }),
      (header) => {
        const jwt = signed({ jti: randomUUID() }, header);
        expect(checkAssertion(jwt, rules)).toMatchObject({ isValid: false });
      },
    ),
    { numRuns: 200 },
  );
});

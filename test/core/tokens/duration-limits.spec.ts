import * as fc from 'fast-check';
import { BoxEmulator, type Fault, WorkfrontEmulator } from 'nestjs-box-auth/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { appAuthOptions } from '../../../lib/core/app/app-auth.options.js';
import { parseOptions } from '../../../lib/core/app/option-checks.js';
import { optionGroup } from '../../../lib/core/credentials/field-checks.js';
import { systemRuntime } from '../../../lib/core/runtime/runtime.js';
import { WorkfrontAuth } from '../../../lib/workfront/workfront-auth.js';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { ScriptedEndpoint } from '../../support/scripted-endpoint.js';
import { thrownBy } from '../../support/thrown.js';

const MAX_DELAY_MS = 2 ** 31 - 1;
const DAY_MS = 86_400_000;
const TEN_MINUTES_MS = 600_000;

const LIMITS = [
  ['tokenEndpoint', 'timeoutMs', 1, TEN_MINUTES_MS],
  ['tokenEndpoint', 'deadlineMs', 1, TEN_MINUTES_MS],
  ['tokenEndpoint', 'attempts', 1, 100],
  ['renewal', 'expiryMarginMs', 0, DAY_MS],
  ['renewal', 'waitMarginMs', 0, DAY_MS],
  ['renewal', 'windowRatio', 0, 1],
  ['renewal', 'minWindowMs', 0, DAY_MS],
  ['renewal', 'maxWindowMs', 0, DAY_MS],
  ['renewal', 'minBackoffMs', 0, DAY_MS],
  ['renewal', 'maxBackoffMs', 0, DAY_MS],
] as const;

const boxCredentials = { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' };
const workfront = {
  url: 'https://example.my.workfront.com',
  clientId: 'client',
  clientSecret: 'secret',
  customerId: 'customer',
  userId: 'user',
  privateKey: 'key',
};

describe.each(LIMITS)('%s.%s', (group, name, least, most) => {
  it.each([3e9, Infinity, -Infinity, Number.NaN, -1, most + 1])(
    'is rejected at bootstrap as %d, with its range and the received value',
    async (value) => {
      const options = { [group]: { [name]: value } };
      const expected = {
        code: 'option_invalid',
        message: `Invalid \`${group}.${name}\`: expected a${name === 'attempts' ? ' whole' : ''} number from ${least} to ${most}, received ${value}.`,
      };
      expect(
        await thrownBy(async () => new BoxAuth({ credentials: boxCredentials, ...options })),
      ).toMatchObject(expected);
      expect(
        await thrownBy(async () => new WorkfrontAuth({ ...workfront, ...options })),
      ).toMatchObject(expected);
    },
  );
});

it('Both time limits of the token endpoint accept their maximum', async () => {
  const tokenEndpoint = { timeoutMs: TEN_MINUTES_MS, deadlineMs: TEN_MINUTES_MS };
  const runtime = new FakeRuntime();
  const { fetch } = new ScriptedEndpoint(runtime);
  const box = new BoxAuth({ credentials: boxCredentials, fetch, runtime, tokenEndpoint });
  expect((await box.provider.getToken()).value).toContain('token-1');
});

it('No accepted option exceeds the longest delay of a timer', () => {
  const numbers = fc.oneof(fc.double(), fc.integer({ min: 0, max: 2 ** 40 }), fc.constant(3e9));
  const any = (group: string) =>
    fc.dictionary(
      fc.constantFrom(...LIMITS.filter(([of]) => of === group).map(([, name]) => name)),
      numbers,
    );
  fc.assert(
    fc.property(any('tokenEndpoint'), any('renewal'), (tokenEndpoint, renewal) => {
      let resolved;
      try {
        resolved = parseOptions(optionGroup(appAuthOptions), { tokenEndpoint, renewal });
      } catch {
        return;
      }
      const all = { ...resolved.tokenEndpoint, ...resolved.renewal };
      for (const ms of Object.values(all)) expect(ms).toBeLessThanOrEqual(MAX_DELAY_MS);
    }),
  );
});

describe('A timer of the system', () => {
  afterEach(() => void vi.restoreAllMocks());

  it.each([MAX_DELAY_MS + 1, 3e9, Infinity])('of %d ms does not fire at once', (delayMs) => {
    const timers = vi.spyOn(globalThis, 'setTimeout');
    systemRuntime.schedule(() => undefined, delayMs)();
    expect(timers.mock.calls.map(([, ms]) => ms)).toEqual([MAX_DELAY_MS]);
  });
});

describe('An emulator', () => {
  it.each([-1, 3e9, Number.NaN, Infinity])('rejects a delay of %d ms', async (ms) => {
    const fault: Fault = { kind: 'delay', ms };
    const emulators = [await BoxEmulator.start(), await WorkfrontEmulator.start()];
    for (const emulator of emulators) {
      expect(() => emulator.failNext('api', fault)).toThrow(/from 0 to 2147483647, received/);
      expect(() => emulator.always('api', fault)).toThrow(RangeError);
      expect(() => (emulator.clockSkewMs = ms * 1e13)).toThrow(/clockSkewMs: expected a number/);
      await emulator.stop();
    }
  });

  it.each([1e10, 2 ** 53 - 1])('rejects a token lifetime of %d s', async (tokenLifetimeS) => {
    await expect(BoxEmulator.start({ tokenLifetimeS })).rejects.toThrow(/from 0 to 1000000000/);
  });
});

import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { appAuthOptions } from '../../../lib/core/app/app-auth.options.js';
import {
  checkOptions,
  choiceOption,
  parseOption,
  parseOptions,
  secureUrl,
} from '../../../lib/core/app/option-checks.js';
import { optionGroup } from '../../../lib/core/credentials/field-checks.js';
import { systemRuntime } from '../../../lib/core/runtime/runtime.js';
import { thrownBy } from '../../support/thrown.js';

const schema = optionGroup({ ...appAuthOptions, urls: v.optional(v.array(secureUrl, 'a list')) });

describe('parseOptions', () => {
  it.each([
    [
      { fetch: 'undici' },
      'Invalid `fetch`: expected a function, received a string of 6 characters.',
    ],
    [
      { renewal: { windowRatio: 2 } },
      'Invalid `renewal.windowRatio`: expected a number from 0 to 1, received 2.',
    ],
    [{ renewal: [] }, 'Invalid `renewal`: expected an object, received a list.'],
    [
      { renewal: { expiryMarginMs: 70_000 } },
      'Invalid `renewal.expiryMarginMs`: expected at most `waitMarginMs`, which is 60000, received 70000.',
    ],
    [
      { tokenEndpoint: { timeoutMs: 3, deadlineMs: 2 } },
      'Invalid `tokenEndpoint.timeoutMs`: expected at most `deadlineMs`, which is 2, received 3.',
    ],
    [
      { onStoreFailure: 'ajar' },
      "Invalid `onStoreFailure`: expected 'open' or 'closed', received a string of 4 characters.",
    ],
    [
      { store: { claim: () => undefined } },
      'Invalid `store`: expected an object with the methods claim, publish, invalidate, fail, received an object.',
    ],
    [
      { urls: ['https://example.com', 'http://example.com'] },
      'Invalid `urls[1]`: expected an https URL, as plain http would expose tokens (it is accepted on loopback only), received a string of 18 characters.',
    ],
  ])('reports %j with its name, the expected and the received value', async (options, message) => {
    const error = await thrownBy(() => parseOptions(schema, options));
    expect(error.code).toBe('option_invalid');
    expect(error.message).toBe(message);
    expect(error.hint).toContain('Correct');
  });

  it('reports an unknown option with all known ones, also the extra names', async () => {
    const error = await thrownBy(() => parseOptions(schema, { onstorefailure: 'open' }, ['name']));
    expect(error.message).toBe(
      'Unknown option `onstorefailure`. Known options: fetch, renewal, tokenEndpoint, store, onStoreFailure, replayBufferBytes, runtime, urls, name.',
    );
    expect(error.hint).toBe('Did you mean `onStoreFailure`? Write it instead of `onstorefailure`.');
  });

  it('reports an unknown option of a group with the options of that group only', async () => {
    const options = { fetch: 5, tokenEndpoint: { retries: 3 } };
    const error = await thrownBy(() => parseOptions(schema, options, ['name']));
    expect(error.message).toBe(
      'Unknown option `tokenEndpoint.retries`. Known options: timeoutMs, attempts, deadlineMs.',
    );
    expect(error.hint).toContain('Remove `tokenEndpoint.retries`');
  });

  it('fills in the defaults, also for an option that is undefined', () => {
    const { renewal, runtime, onStoreFailure } = parseOptions(schema, {
      renewal: { windowRatio: undefined },
      runtime: undefined,
    });
    expect(renewal.windowRatio).toBe(0.2);
    expect(runtime).toBe(systemRuntime);
    expect(onStoreFailure).toBe('open');
  });

  it('shortens the timeout of an attempt to a shorter deadline', () => {
    const { tokenEndpoint } = parseOptions(schema, { tokenEndpoint: { deadlineMs: 5_000 } });
    expect(tokenEndpoint).toEqual({ timeoutMs: 5_000, attempts: 4, deadlineMs: 5_000 });
  });
});

describe('parseOption', () => {
  it('returns a valid value', () => {
    expect(parseOption(choiceOption(['off', 'try']), 'warmUp', 'try')).toBe('try');
  });

  it('reports an invalid value under the name of the option, without its text', async () => {
    const parse = () => parseOption(choiceOption(['off', 'try']), 'warmUp', 'hunter2');
    const { code, message } = await thrownBy(parse);
    expect(code).toBe('option_invalid');
    expect(message).toBe(
      "Invalid `warmUp`: expected 'off' or 'try', received a string of 7 characters.",
    );
  });
});

describe('checkOptions', () => {
  it.each([
    [null, 'null'],
    [undefined, 'nothing'],
    [[], 'a list'],
    [() => ({}), 'a function'],
  ])('reports %j with the function that received it', async (options, received) => {
    const { code, message } = await thrownBy(() => checkOptions('boxAuth', options));
    expect(code).toBe('option_invalid');
    expect(message).toBe(`Invalid options of boxAuth: expected an object, received ${received}.`);
  });
});

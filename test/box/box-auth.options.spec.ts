import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { BoxAuthModule } from 'nestjs-box-auth';
import { boxAuth } from 'nestjs-box-auth/express';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { credentials, TENANT } from '../support/tenant-box.js';
import { thrownBy } from '../support/thrown.js';

const create = (options: object) => new BoxAuth({ credentials, ...options });

describe('The option `tenants`', () => {
  const expected =
    'a list of Box enterprise ids, strings of 1 to 20 digits that do not begin with 0, or a function';

  it.each([
    [null, 'null'],
    [TENANT, 'a string of 1 character'],
    [7, '7'],
    [true, 'a boolean'],
    [{ [TENANT]: true }, 'an object'],
    [new Set([TENANT]), 'an object'],
  ])('is refused as %j', async (tenants, received) => {
    const error = await thrownBy(() => create({ tenants }));
    expect(error.code).toBe('option_invalid');
    expect(error.message).toBe(`Invalid \`tenants\`: expected ${expected}, received ${received}.`);
  });

  it.each([7, '', '0', '07', ' 7', 'a name', null, undefined, ['7'], '1'.repeat(21)])(
    'is refused with %j in its list, without showing it',
    async (id) => {
      const error = await thrownBy(() => create({ tenants: [TENANT, id] }));
      expect(error.code).toBe('option_invalid');
      expect(error.message).toContain('`tenants');
      expect(error.message).not.toContain('a name');
    },
  );

  it.each([[[]], [[TENANT]], [() => true], [undefined]])('is accepted as %s', (tenants) => {
    expect(() => create({ tenants })).not.toThrow();
  });
});

describe('The option `tenantRequired`', () => {
  it.each(['true', 1, {}])('is refused as %j', async (tenantRequired) => {
    const error = await thrownBy(() => create({ tenants: [], tenantRequired }));
    expect(error.code).toBe('option_invalid');
    expect(error.message).toContain('`tenantRequired`: expected true or false');
  });

  it('is refused without the option `tenants`', async () => {
    const error = await thrownBy(() => create({ tenantRequired: true }));
    expect(error.code).toBe('option_invalid');
    expect(error.message).toBe(
      'The option `tenantRequired` needs the option `tenants`: the enterprises that the app serves.',
    );
    expect(() => create({ tenantRequired: false })).not.toThrow();
  });
});

describe('The option `keepWarm`', () => {
  it.each([
    { type: 'enterprise', id: '7', enterprise: '7' },
    { type: 'user', id: '5', enterprise: 7 },
    { type: 'user', id: '5', enterprise: 'a name' },
    { type: 'user', id: '5', enterprise: null },
  ])('is refused with the subject %j', async (subject) => {
    const error = await thrownBy(() => create({ keepWarm: [subject] }));
    expect(error.code).toBe('option_invalid');
    expect(error.message).toContain('`keepWarm[0]');
  });

  it('accepts a user with an enterprise', () => {
    const keepWarm = [{ type: 'user', id: '5', enterprise: '7' }];
    expect(() => create({ keepWarm })).not.toThrow();
  });
});

describe('The option `apiRetries`', () => {
  const SHAPE = 'true, false or an object with attempts, maxDelayMs or retryPosts';

  it.each([
    ['apiRetries', 'yes', `${SHAPE}, received a string of 3 characters`],
    ['apiRetries', 5, `${SHAPE}, received 5`],
    ['apiRetries', [], `${SHAPE}, received a list`],
    ['apiRetries.attempts', { attempts: 1 }, 'a whole number from 2 to 10, received 1'],
    ['apiRetries.attempts', { attempts: 11 }, 'a whole number from 2 to 10, received 11'],
    ['apiRetries.maxDelayMs', { maxDelayMs: 0 }, 'a number from 1 to 300000, received 0'],
    [
      'apiRetries.maxDelayMs',
      { maxDelayMs: 300_001 },
      'a number from 1 to 300000, received 300001',
    ],
    [
      'apiRetries.retryPosts',
      { retryPosts: 'no' },
      'true or false, received a string of 2 characters',
    ],
  ])('is refused with a clear message: %s = %j', async (name, apiRetries, problem) => {
    const error = await thrownBy(() => create({ apiRetries }));
    expect(error.code).toBe('option_invalid');
    expect(error.message).toBe(`Invalid \`${name}\`: expected ${problem}.`);
  });

  it('is refused with an unknown setting', async () => {
    const error = await thrownBy(() => create({ apiRetries: { maxdelayMs: 1 } }));
    expect(error.message).toContain('Unknown option `apiRetries.maxdelayMs`');
    expect(error.hint).toContain('Did you mean `maxDelayMs`?');
  });

  it('is checked by boxAuth of Express and by the Nest module', async () => {
    const options = { credentials, apiRetries: { attempts: 1 } };
    const errors = [
      await thrownBy(() => boxAuth(options)),
      await thrownBy(() =>
        Test.createTestingModule({ imports: [BoxAuthModule.forRoot(options)] }).compile(),
      ),
    ];
    for (const error of errors) expect(error.message).toContain('Invalid `apiRetries.attempts`');
  });

  it.each([true, false, null, undefined, {}, { attempts: 2, maxDelayMs: 1, retryPosts: true }])(
    'is accepted as %j',
    (apiRetries) => {
      expect(() => create({ apiRetries })).not.toThrow();
    },
  );
});

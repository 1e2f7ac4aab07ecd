import { describe, expect, it } from 'vitest';
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

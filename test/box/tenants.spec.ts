import { inspect } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { BoxAuthError } from 'nestjs-box-auth';
import type { Acting } from '../../lib/core/acting/acting.context.js';
import type { Subject } from '../../lib/core/credentials/subject.js';
import {
  type BoxTenants,
  checkedEnterpriseId,
  checkedRunFor,
  type RunForOptions,
  Tenants,
} from '../../lib/box/tenants.js';
import { thrownBy } from '../support/thrown.js';

const OWN: Subject = { type: 'enterprise', id: '1' };
const forSeven: Acting = { enterprise: '7' };

const tenantsOf = (tenants?: BoxTenants, areRequired = false) => new Tenants(tenants, areRequired);

/** A function `tenants`, with its calls. */
const asked = (answer: (id: string) => unknown) => vi.fn<(id: string) => boolean>(answer as never);

/** How an enterprise is refused. */
async function refusalOf(tenants: Tenants, enterprise: string): Promise<BoxAuthError> {
  return thrownBy(() => tenants.admit({ enterprise }, OWN));
}

describe('An app without the option `tenants`', () => {
  it('serves the enterprise of its credentials only', async () => {
    const tenants = tenantsOf();
    expect(tenants.admit({ enterprise: '1' }, OWN)).toBeUndefined();
    const error = await refusalOf(tenants, '7');
    expect(error).toMatchObject({ code: 'enterprise_not_allowed', enterprise: '7' });
    expect(error.message).toBe(
      'Calls for enterprise 7 are not allowed: this Box app has no option `tenants`, so it serves only its own.',
    );
  });

  it.each<Subject | undefined>([undefined, { type: 'user', id: '7' }])(
    'serves no enterprise that it cannot compare: own subject %j',
    async (own) => {
      const error = await thrownBy(() => tenantsOf().admit({ enterprise: '7' }, own));
      expect(error.code).toBe('enterprise_not_allowed');
    },
  );

  it('serves calls without an enterprise', () => {
    expect(tenantsOf().admit(undefined, OWN)).toBeUndefined();
    expect(tenantsOf().admit({ user: { id: '5', via: 'header' } }, OWN)).toBeUndefined();
  });

  it('lets a caller name every subject', async () => {
    const named: Subject = { type: 'enterprise', id: '7' };
    expect(await tenantsOf().admittedSubject(undefined, named, OWN)).toEqual(named);
    expect(tenantsOf().knownSubject(undefined, named, OWN)).toEqual({ subject: named });
  });
});

describe('A list of tenants', () => {
  it('serves its enterprises without waiting', () => {
    const tenants = tenantsOf(['7', '8']);
    expect(tenants.admit({ enterprise: '7' }, OWN)).toBeUndefined();
    expect(tenants.admit({ enterprise: '8' }, OWN)).toBeUndefined();
  });

  it.each(['9', '77', '1'])('refuses an enterprise that it does not contain: %s', async (id) => {
    const error = await refusalOf(tenantsOf(['7', '8']), id);
    expect(error).toMatchObject({ code: 'enterprise_not_allowed', enterprise: id });
    expect(error.message).toBe(
      `Calls for enterprise ${id} are not allowed: the option \`tenants\` does not contain it.`,
    );
    expect(error.cause).toBeUndefined();
  });

  it('serves none if it is empty', async () => {
    expect((await refusalOf(tenantsOf([]), '1')).code).toBe('enterprise_not_allowed');
  });

  it('does not change with the list that the app passed', async () => {
    const list = ['7'];
    const tenants = tenantsOf(list);
    list.push('9');
    expect((await refusalOf(tenants, '9')).code).toBe('enterprise_not_allowed');
  });
});

describe('A function `tenants`', () => {
  it.each([
    ['true', () => true],
    ['a promise of true', () => Promise.resolve(true)],
  ])('admits an enterprise with %s', async (_, answer) => {
    await expect(tenantsOf(asked(answer)).admit(forSeven, OWN)).resolves.toBeUndefined();
  });

  it.each<[string, unknown]>([
    ['false', false],
    ['undefined', undefined],
    ['null', null],
    ['1', 1],
    ["'true'", 'true'],
    ['an object', {}],
    ['a Boolean object', Object(true)],
    ['a list', [true]],
    ['a function', () => true],
  ])('refuses an enterprise with anything but true: %s', async (_, answer) => {
    for (const result of [answer, Promise.resolve(answer)]) {
      const error = await refusalOf(tenantsOf(asked(() => result)), '7');
      expect(error).toMatchObject({ code: 'enterprise_not_allowed', enterprise: '7' });
      expect(error.message).toBe(
        'Calls for enterprise 7 are not allowed: the function `tenants` did not return true.',
      );
    }
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('The database is away, password=hunter2-hunter2.');
      },
    ],
    ['rejects', () => Promise.reject(new Error('The database is away, password=hunter2-hunter2.'))],
  ])('refuses an enterprise if it %s, with the cause without its secrets', async (_, answer) => {
    const error = await refusalOf(tenantsOf(asked(answer)), '7');
    expect(error).toMatchObject({ code: 'enterprise_not_allowed', enterprise: '7' });
    expect(error.message).toBe(
      'Calls for enterprise 7 are not allowed: the function `tenants` failed.',
    );
    expect(String(error.cause)).toContain('The database is away');
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('hunter2');
    expect(JSON.stringify(error)).not.toContain('hunter2');
  });

  it.each([undefined, null, 'password=hunter2-hunter2'])(
    'refuses an enterprise if it throws %j, which is no Error',
    async (thrown) => {
      const error = await refusalOf(tenantsOf(asked(() => Promise.reject(thrown))), '7');
      expect(error.code).toBe('enterprise_not_allowed');
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('hunter2');
    },
  );

  it('receives the id and nothing else', async () => {
    const isTenant = asked(() => true);
    await tenantsOf(isTenant).admit(forSeven, OWN);
    expect(isTenant.mock.calls).toEqual([['7']]);
  });

  it('is asked about the enterprise of the credentials too', async () => {
    expect((await refusalOf(tenantsOf(asked(() => false)), '1')).code).toBe(
      'enterprise_not_allowed',
    );
  });

  it('is not asked without an enterprise', () => {
    const isTenant = asked(() => false);
    expect(tenantsOf(isTenant).admit(undefined, OWN)).toBeUndefined();
    expect(tenantsOf(isTenant).admit({ source: {} }, OWN)).toBeUndefined();
    expect(isTenant).not.toHaveBeenCalled();
  });
});

describe('A function `tenants` is asked once', () => {
  it('for each request and enterprise', async () => {
    const isTenant = asked(() => true);
    const tenants = tenantsOf(isTenant);
    const [one, other] = [{}, {}];
    for (let call = 0; call < 3; call++) {
      await tenants.admit({ enterprise: '7', source: one }, OWN);
      await tenants.admit({ enterprise: '7', source: other }, OWN);
      await tenants.admit({ enterprise: '8', source: one, user: { id: '5', via: 'header' } }, OWN);
    }
    expect(isTenant.mock.calls).toEqual([['7'], ['7'], ['8']]);
  });

  it('for concurrent calls, and then admits without waiting', async () => {
    const isTenant = asked(() => true);
    const tenants = tenantsOf(isTenant);
    const acting = { enterprise: '7', source: {} };
    const admissions = Array.from({ length: 100 }, async () => tenants.admit(acting, OWN));
    await Promise.all(admissions);
    expect(tenants.admit(acting, OWN)).toBeUndefined();
    expect(isTenant).toHaveBeenCalledTimes(1);
  });

  it('if it refuses, and all calls of the request are refused', async () => {
    const isTenant = asked(() => false);
    const tenants = tenantsOf(isTenant);
    const acting = { enterprise: '7', source: {} };
    for (let call = 0; call < 3; call++) {
      expect((await thrownBy(() => tenants.admit(acting, OWN))).enterprise).toBe('7');
    }
    expect(isTenant).toHaveBeenCalledTimes(1);
  });

  it('for each call outside of a request', async () => {
    const isTenant = asked(() => true);
    const tenants = tenantsOf(isTenant);
    await tenants.admit({ enterprise: '7' }, OWN);
    await tenants.admit({ enterprise: '7' }, OWN);
    expect(isTenant).toHaveBeenCalledTimes(2);
  });

  it('for a subject that the caller names in a request', async () => {
    const isTenant = asked(() => true);
    const tenants = tenantsOf(isTenant);
    const acting = { enterprise: '7', source: {} };
    const named: Subject = { type: 'enterprise', id: '8' };
    await tenants.admittedSubject(acting, named, OWN);
    await tenants.admittedSubject(acting, named, OWN);
    await tenants.admittedSubject(acting, { type: 'user', id: '5', enterprise: '8' }, OWN);
    expect(isTenant.mock.calls).toEqual([['8']]);
  });
});

describe('The option `tenantRequired`', () => {
  it('refuses calls without an enterprise', async () => {
    const tenants = tenantsOf(['7'], true);
    for (const acting of [undefined, {}, { user: { id: '5', via: 'token' } }] as const) {
      const error = await thrownBy(() => tenants.admit(acting, OWN));
      expect(error.code).toBe('enterprise_missing');
      expect(error.hint).toContain('@ForEnterprise');
      expect(error.hint).toContain('runFor');
    }
    expect(tenants.admit({ enterprise: '7' }, OWN)).toBeUndefined();
  });

  it.each<Subject | undefined>([undefined, { type: 'user', id: '5' }])(
    'refuses a token without an enterprise: subject %j',
    async (named) => {
      const tenants = tenantsOf(() => true, true);
      const error = await thrownBy(() => tenants.admittedSubject(undefined, named, OWN));
      expect(error.code).toBe('enterprise_missing');
      expect(tenants.knownSubject(undefined, named, OWN)).toBeUndefined();
    },
  );
});

describe('The subject of a token', () => {
  const tenants = tenantsOf(['7', '8']);
  const subjectOf = (acting: Acting | undefined, named?: Subject) =>
    tenants.admittedSubject(acting, named, OWN);

  it('is the enterprise of the current code, for every acting user', async () => {
    expect(await subjectOf(forSeven)).toEqual({ type: 'enterprise', id: '7' });
    const user = { id: '5', via: 'token' } as const;
    expect(await subjectOf({ enterprise: '7', user })).toEqual({ type: 'enterprise', id: '7' });
    expect(await subjectOf(undefined)).toBeUndefined();
    expect(await subjectOf({ user })).toBeUndefined();
  });

  it('is a user of that enterprise if the caller names one', async () => {
    const user: Subject = { type: 'user', id: '5' };
    expect(await subjectOf(forSeven, user)).toEqual({ type: 'user', id: '5', enterprise: '7' });
    expect(await subjectOf(undefined, user)).toEqual(user);
  });

  it('is the subject that the caller names with its enterprise', async () => {
    const user: Subject = { type: 'user', id: '5', enterprise: '8' };
    expect(await subjectOf(forSeven, user)).toEqual(user);
    const enterprise: Subject = { type: 'enterprise', id: '8' };
    expect(await subjectOf(forSeven, enterprise)).toEqual(enterprise);
  });

  it.each<Subject>([
    { type: 'enterprise', id: '9' },
    { type: 'enterprise', id: '1' },
    { type: 'user', id: '5', enterprise: '9' },
  ])('is refused if its enterprise is not a tenant: %j', async (named) => {
    for (const acting of [undefined, forSeven]) {
      const error = await thrownBy(() => subjectOf(acting, named));
      expect(error.code).toBe('enterprise_not_allowed');
      expect(tenants.knownSubject(acting, named, OWN)).toBeUndefined();
    }
  });

  it('is refused if the current enterprise is not a tenant', async () => {
    const acting = { enterprise: '9' };
    for (const named of [undefined, { type: 'user', id: '5' }] as const) {
      expect(await thrownBy(() => subjectOf(acting, named))).toMatchObject({
        code: 'enterprise_not_allowed',
        enterprise: '9',
      });
      expect(tenants.knownSubject(acting, named, OWN)).toBeUndefined();
    }
  });

  it.each([null, 7, '7', {}, { type: 'enterprise' }, { type: 'enterprise', id: 7 }])(
    'is refused if it is not a subject: %j',
    async (named) => {
      for (const acting of [undefined, forSeven]) {
        const error = await thrownBy(() => subjectOf(acting, named as never));
        expect(error.code).toBe('subject_invalid');
      }
    },
  );

  it('is known without waiting once a function `tenants` admitted its enterprise for the request', async () => {
    const isTenant = asked(() => true);
    const ofFunction = tenantsOf(isTenant);
    const acting = { enterprise: '7', source: {} };
    expect(ofFunction.knownSubject(acting, undefined, OWN)).toBeUndefined();
    expect(isTenant).not.toHaveBeenCalled();
    const admission = ofFunction.admit(acting, OWN);
    expect(ofFunction.knownSubject(acting, undefined, OWN)).toBeUndefined();
    await admission;
    expect(ofFunction.knownSubject(acting, undefined, OWN)).toEqual({
      subject: { type: 'enterprise', id: '7' },
    });
    expect(ofFunction.knownSubject({ ...acting, source: {} }, undefined, OWN)).toBeUndefined();
    expect(ofFunction.knownSubject(undefined, undefined, OWN)).toEqual({ subject: undefined });
  });
});

describe('The options of runFor', () => {
  it('select an enterprise, and its service account or a user', () => {
    expect(checkedRunFor({ enterprise: '7' })).toEqual({ enterprise: '7' });
    expect(checkedRunFor({ enterprise: '7', user: '5' })).toEqual({
      enterprise: '7',
      user: { id: '5', via: 'header' },
    });
  });

  it.each([
    [{}, 'enterprise_missing'],
    [{ enterprise: undefined }, 'enterprise_missing'],
    [{ enterprise: null }, 'enterprise_missing'],
    [{ enterprise: 7 }, 'enterprise_not_allowed'],
    [{ enterprise: '' }, 'enterprise_not_allowed'],
    [{ enterprise: '0' }, 'enterprise_not_allowed'],
    [{ enterprise: ' 7' }, 'enterprise_not_allowed'],
    [{ enterprise: '7\n' }, 'enterprise_not_allowed'],
    [{ enterprise: ['7'] }, 'enterprise_not_allowed'],
    [{ enterprise: Object('7') }, 'enterprise_not_allowed'],
    [{ enterprise: '1'.repeat(21) }, 'enterprise_not_allowed'],
    [{ enterprise: '7', user: undefined }, 'acting_user_invalid'],
    [{ enterprise: '7', user: null }, 'acting_user_invalid'],
    [{ enterprise: '7', user: '' }, 'acting_user_invalid'],
    [{ enterprise: '7', user: 5 }, 'acting_user_invalid'],
    [{ enterprise: '7', User: '5' }, 'option_invalid'],
    [{ enterprise: '7', as: '5' }, 'option_invalid'],
    [{ enterprise: '7', user: '5', via: 'token' }, 'option_invalid'],
    [undefined, 'option_invalid'],
    [null, 'option_invalid'],
    ['7', 'option_invalid'],
    [['7'], 'option_invalid'],
  ])('are refused: %j, %s', async (options, code) => {
    const error = await thrownBy(() => checkedRunFor(options as RunForOptions));
    expect(error.code).toBe(code);
  });

  it('are refused with the name of an unknown option and without values', async () => {
    const options = { enterprise: '7', userId: 'a-secret-value' } as never;
    const error = await thrownBy(() => checkedRunFor(options));
    expect(error.message).toBe(
      'Unknown option `userId` of runFor. Known options: enterprise, user.',
    );
    const wrong = await thrownBy(() => checkedRunFor({ enterprise: 'a-secret-value' }));
    expect(wrong.message).toBe(
      'Invalid enterprise in runFor: expected a Box enterprise id, a string of 1 to 20 digits that does not begin with 0, received a string of 14 characters.',
    );
    expect(wrong.enterprise).toBeUndefined();
  });
});

describe('An enterprise id', () => {
  it('is missing with the name of its source', async () => {
    const error = await thrownBy(() => checkedEnterpriseId(undefined, 'the resolver'));
    expect(error.code).toBe('enterprise_missing');
    expect(error.message).toBe('the resolver names no enterprise.');
  });

  it('is returned unchanged', () => {
    expect(checkedEnterpriseId('12345678901234567890', 'runFor')).toBe('12345678901234567890');
  });
});

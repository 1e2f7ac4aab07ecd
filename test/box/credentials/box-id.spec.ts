import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import type { BoxAuthOptions } from '../../../lib/box/box-auth.options.js';
import { boxCredentialsIn, boxVariableNames } from '../../../lib/box/box.environment.js';
import { parseCredentials } from '../../../lib/box/credentials/parse-credentials.js';
import { run } from '../../cli/cli-fixture.js';
import { thrownBy } from '../../support/thrown.js';

const client = { clientId: 'client', clientSecret: 'secret' };
const config = (ids: object) => ({
  config: { boxAppSettings: { clientID: 'client', clientSecret: 'secret' }, ...ids },
});
const variables = (ids: Record<string, string>) =>
  boxCredentialsIn({ BOX_CLIENT_ID: 'client', BOX_CLIENT_SECRET: 'secret', ...ids });

const NOT_IDS = ['0', '00', '00000000000000000000', ' 0 ', '0123', '123456789012345678901'];

describe('An id that is zero or begins with zero', () => {
  it.each(NOT_IDS)('is rejected in credentials, with the name of the field: %j', async (id) => {
    const cases: [field: string, parse: () => unknown][] = [
      ['enterpriseID', () => parseCredentials(config({ enterpriseID: id }))],
      ['userID', () => parseCredentials(config({ userID: id }))],
      ['enterpriseId', () => parseCredentials({ ...client, enterpriseId: id })],
      ['userId', () => parseCredentials({ ...client, userId: id })],
      [
        'BOX_ENTERPRISE_ID',
        () => parseCredentials(variables({ BOX_ENTERPRISE_ID: id }), boxVariableNames),
      ],
      ['BOX_USER_ID', () => parseCredentials(variables({ BOX_USER_ID: id }), boxVariableNames)],
    ];
    for (const [field, parse] of cases) {
      const error = await thrownBy(parse);
      expect(error.code).toBe('config_invalid');
      expect(error.message).toContain(`${field}: expected`);
      expect(error.message).toContain('digits that do not begin with 0');
    }
  });

  it('is explained if it is zero: Box writes that for an account without an enterprise', async () => {
    const error = await thrownBy(() => parseCredentials(config({ enterpriseID: '0' })));
    expect(error.message).toContain('received only zeros, as an account without an enterprise has');
  });

  it.each(NOT_IDS)(
    'is rejected in the options, in a subject and as an acting user: %j',
    async (id) => {
      const options: BoxAuthOptions = { credentials: { ...client, enterpriseId: '1' } };
      const box = new BoxAuth({
        ...options,
        fetch: () => Promise.reject(new Error('a request was sent')),
      });
      const user = { type: 'user', id } as const;
      expect((await thrownBy(() => box.provider.getToken({ subject: user }))).code).toBe(
        'subject_invalid',
      );
      expect((await thrownBy(() => box.provider.runAs(id, () => undefined))).code).toBe(
        'acting_user_invalid',
      );
      expect(
        (await thrownBy(() => new BoxAuth({ ...options, keepWarm: [user] }))).message,
      ).toContain('keepWarm');
      const { exitCode, text } = await run(['doctor', '--as-user', id]);
      expect(exitCode).toBe(2);
      expect(text).toContain('do not start with 0');
    },
  );

  it('is the only decimal of up to 20 digits that is rejected', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 20n - 1n }), (number) => {
        const id = String(number);
        expect(parseCredentials({ ...client, userId: id }).subject.id).toBe(id);
      }),
    );
  });
});

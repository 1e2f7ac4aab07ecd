import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { WorkfrontAuth } from '../../../lib/workfront/workfront-auth.js';
import { anyText } from '../../support/any-text.js';
import { makeKeys } from '../../support/keys.js';
import { thrownBy } from '../../support/thrown.js';

const keys = makeKeys();
const privateKey = keys.forms['plain PKCS#8'];

const client = { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' };
const settings = { clientID: 'client', clientSecret: 'secret' };
const workfront = {
  domain: 'acme',
  clientId: 'client',
  clientSecret: 'secret',
  customerId: 'customer',
  userId: 'user',
  privateKey,
};

const box = (credentials: object) => new BoxAuth({ credentials: credentials as typeof client });

/** Every field whose value goes into a header, a form or an assertion, with a function that starts an app with it. */
const FIELDS: [field: string, start: (value: string) => unknown][] = [
  ['developerToken', (developerToken) => box({ developerToken })],
  ['appToken', (appToken) => box({ appToken })],
  ['clientId', (clientId) => box({ ...client, clientId })],
  ['clientSecret', (clientSecret) => box({ ...client, clientSecret })],
  ['publicKeyId', (publicKeyId) => box({ ...client, privateKey, publicKeyId })],
  [
    'clientID',
    (clientID) => box({ config: { boxAppSettings: { ...settings, clientID }, enterpriseID: '1' } }),
  ],
  [
    'clientSecret',
    (clientSecret) =>
      box({ config: { boxAppSettings: { ...settings, clientSecret }, enterpriseID: '1' } }),
  ],
  [
    'publicKeyID',
    (publicKeyID) =>
      box({
        config: {
          boxAppSettings: { ...settings, appAuth: { publicKeyID, privateKey } },
          enterpriseID: '1',
        },
      }),
  ],
  ...(['clientId', 'clientSecret', 'customerId', 'userId'] as const).map(
    (field): [string, (value: string) => unknown] => [
      field,
      (value) => new WorkfrontAuth({ ...workfront, [field]: value }),
    ],
  ),
];

describe('A value that cannot be sent unchanged', () => {
  it.each([
    ['a line break', 'hunter2\nhunter3', 'a line break at position 8'],
    ['a carriage return', 'hunter2\rhunter3', 'a line break at position 8'],
    ['a NUL', 'hunter2\0hunter3', 'a control character at position 8'],
    ['a letter outside ASCII', 'hunter2éhunter3', 'a character outside ASCII at position 8'],
    ['half a surrogate pair', 'hunter2\uD800hunter3', 'a character outside ASCII at position 8'],
  ])('is rejected at the start and not shown: %s', async (_, value, found) => {
    for (const [field, start] of FIELDS) {
      const error = await thrownBy(() => start(value));
      expect(error.code).toBe('config_invalid');
      expect(error.message).toContain(`${field}: expected`);
      expect(error.message).toContain(`received a string of 15 characters with ${found}`);
      expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/hunter/);
    }
  });

  it('is rejected and not shown when a credentials function returns it', async () => {
    for (const field of ['accessToken', 'appToken']) {
      const app = new BoxAuth({ credentials: () => ({ [field]: 'hunter2\nhunter3' }) as never });
      const error = await thrownBy(() => app.fetch('/2.0/users/me'));
      expect(error.code).toBe('config_invalid');
      expect(error.message).toContain(`${field}: expected`);
      expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/hunter/);
    }
  });

  it('is not one with spaces and line breaks around it, which are dropped', () => {
    for (const [, start] of FIELDS) expect(() => start(' value\r\n')).not.toThrow();
  });

  it('is never sent: every accepted developer token reaches the header unchanged', async () => {
    const tokens = fc.oneof(
      anyText({ minLength: 1, maxLength: 20 }),
      fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 }),
    );
    await fc.assert(
      fc.asyncProperty(tokens, async (token) => {
        const sent: (string | null)[] = [];
        let app: BoxAuth;
        try {
          app = new BoxAuth({
            credentials: { developerToken: token },
            fetch: async (_url, init) => {
              sent.push(new Headers(init?.headers).get('authorization'));
              return new Response();
            },
          });
        } catch (error) {
          expect(error).toMatchObject({ code: 'config_invalid' });
          return;
        }
        await app.fetch('/2.0/users/me');
        app.close();
        expect(sent).toEqual([`Bearer ${token.trim()}`]);
      }),
    );
  });
});

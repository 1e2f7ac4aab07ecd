import { boxCredentialsHelp } from '../../../lib/box/credentials/box-credentials.js';
import { id } from '../../../lib/box/credentials/box-id.js';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { FieldNames } from '../../../lib/core/credentials/credentials-errors.js';
import {
  bearerToken,
  checkFields,
  isRecord,
  text,
  missingFieldMessage,
} from '../../../lib/core/credentials/field-checks.js';
import { thrownBy } from '../../support/thrown.js';

const appAuthFields = { publicKeyID: text('the key id'), privateKey: text('the key') };
const appAuth = v.object(
  appAuthFields,
  missingFieldMessage(appAuthFields, 'an object of two keys'),
);
const settingsFields = { clientID: text('the client id'), appAuth };
const settings = v.object(settingsFields, missingFieldMessage(settingsFields, 'the settings'));
const fileFields = { settings, enterpriseID: v.optional(id('an id')) };
const file = v.strictObject(
  fileFields,
  missingFieldMessage(fileFields, 'settings, and an id or none'),
);

const right = {
  settings: { clientID: 'c', appAuth: { publicKeyID: 'k', privateKey: 'p' } },
  enterpriseID: '7',
};

/** The lines on what is wrong with `input`, without what is around them. */
async function mistakes(input: unknown): Promise<string[]> {
  const error = await thrownBy(() =>
    checkFields(file, input, new FieldNames('box.json'), boxCredentialsHelp),
  );
  const [title, ...lines] = error.message.split('\n');
  expect(title).toContain('box.json');
  return lines.map((line) => line.replace(/^ +- /, ''));
}

describe('Fields', () => {
  it('that are right come through, without the spaces around them', () => {
    const spaced = { settings: { ...right.settings, clientID: ' c\n' }, enterpriseID: ' 7 ' };
    expect(checkFields(file, spaced, new FieldNames('box.json'), boxCredentialsHelp)).toEqual(
      right,
    );
  });

  it.each([
    ['null', null],
    ['nothing', undefined],
    ['an empty string', ' '],
    ['an object', {}],
    ['a list', ['c']],
    ['a number', 5],
    ['a boolean', true],
  ])(
    'that are wrong are told with their path, and that it is %s that was found',
    async (what, value) => {
      const input = { settings: { ...right.settings, clientID: value } };
      expect(await mistakes(input)).toEqual([
        `settings.clientID: expected the client id, received ${what}`,
      ]);
    },
  );

  it('are told by the length of what was found, never by its text', async () => {
    expect(await mistakes({ ...right, enterpriseID: 'hunter2' })).toEqual([
      'enterpriseID: expected an id, received a string of 7 characters',
    ]);
  });

  it('that are wrong have a line each', async () => {
    expect(
      await mistakes({ settings: { clientID: 5, appAuth: {} }, enterpriseID: 'x', more: 1 }),
    ).toEqual([
      'settings.clientID: expected the client id, received a number',
      'settings.appAuth.publicKeyID: expected the key id, received nothing',
      'settings.appAuth.privateKey: expected the key, received nothing',
      'enterpriseID: expected an id, received a string of 1 character',
      'more: unknown field; settings, and an id or none',
    ]);
  });

  it('that several checks refuse have one line', async () => {
    const token = v.object({ appToken: bearerToken('an app token') });
    const error = await thrownBy(() =>
      checkFields(token, { appToken: '' }, new FieldNames('box.json'), boxCredentialsHelp),
    );
    expect(error.message.split('\n')).toEqual([
      expect.stringContaining('box.json'),
      '  - appToken: expected an app token, received an empty string',
    ]);
  });

  it.each([
    ['a string', 'a string of 8 characters', 'box.json'],
    ['null', 'null', null],
    ['nothing', 'nothing', undefined],
  ])('are looked for in no %s: it is the whole that is wrong', async (_, found, input) => {
    expect(await mistakes(input)).toEqual([
      `expected settings, and an id or none, received ${found}`,
    ]);
  });

  it.each(['publicKeyId', 'public_key_id', 'PUBLIC-KEY-ID', 'publickeyid'])(
    'are recognized in another spelling: %s',
    async (name) => {
      const misspelt = { algorithm: 'x', [name]: 'k', privateKey: 'p' };
      expect(await mistakes({ settings: { clientID: 'c', appAuth: misspelt } })).toEqual([
        `settings.appAuth.publicKeyID: expected the key id, received nothing (check the spelling of "${name}")`,
      ]);
    },
  );

  it('of another name are no other spelling', async () => {
    const other = { keyID: 'k', public: 'k', publicKeyID2: 'k', privateKey: 'p' };
    expect(await mistakes({ settings: { clientID: 'c', appAuth: other } })).toEqual([
      'settings.appAuth.publicKeyID: expected the key id, received nothing',
    ]);
  });

  it('that are wrong come with where to get the right ones', async () => {
    const error = await thrownBy(() =>
      checkFields(file, {}, new FieldNames('box.json'), boxCredentialsHelp),
    );
    expect(error).toMatchObject({ code: 'config_invalid', retryable: false });
    expect(error.hint).toMatch(/Download config\.json again.*developer console/);
    expect(error.docs).toMatch(/^https:\/\/developer\.box\.com\//);
  });
});

describe('A record', () => {
  it.each([
    ['an object', {}, true],
    ['a list', [], false],
    ['null', null, false],
    ['a string', 'x', false],
    ['nothing', undefined, false],
  ])('is or is not %s', (_, value, is) => {
    expect(isRecord(value)).toBe(is);
  });
});

import { boxCredentialsHelp } from '../../../lib/box/credentials/box-credentials.js';
import { boxId } from '../../../lib/box/credentials/box-id.js';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { FieldNames } from '../../../lib/core/credentials/credentials-errors.js';
import {
  bearerToken,
  checkFields,
  describeValue,
  isRecord,
  isTokenValue,
  text,
  missingFieldMessage,
  notAbove,
} from '../../../lib/core/credentials/field-checks.js';
import { thrownBy } from '../../support/thrown.js';

const appAuthFields = { publicKeyID: text('the key id'), privateKey: text('the key') };
const appAuth = v.object(
  appAuthFields,
  missingFieldMessage(appAuthFields, 'an object of two keys'),
);
const settingsFields = { clientID: text('the client id'), appAuth };
const settings = v.object(settingsFields, missingFieldMessage(settingsFields, 'the settings'));
const fileFields = { settings, enterpriseID: v.optional(boxId('an id')) };
const file = v.strictObject(
  fileFields,
  missingFieldMessage(fileFields, 'settings, and an id or none'),
);

const right = {
  settings: { clientID: 'c', appAuth: { publicKeyID: 'k', privateKey: 'p' } },
  enterpriseID: '7',
};

/** The lines of the error that `input` causes, without the title and the bullets. */
async function mistakes(input: unknown): Promise<string[]> {
  const error = await thrownBy(() =>
    checkFields(file, input, new FieldNames('box.json'), boxCredentialsHelp),
  );
  const [title, ...lines] = error.message.split('\n');
  expect(title).toContain('box.json');
  return lines.map((line) => line.replace(/^ +- /, ''));
}

describe('checkFields', () => {
  it('returns valid fields without the spaces around them', () => {
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
  ])('reports the path of an invalid field, and that it received %s', async (what, value) => {
    const input = { settings: { ...right.settings, clientID: value } };
    expect(await mistakes(input)).toEqual([
      `settings.clientID: expected the client id, received ${what}`,
    ]);
  });

  it('reports the length of an invalid string, never its text', async () => {
    expect(await mistakes({ ...right, enterpriseID: 'hunter2' })).toEqual([
      'enterpriseID: expected an id, received a string of 7 characters',
    ]);
  });

  it('reports each invalid field on a line of its own', async () => {
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

  it('reports a field that fails several checks once', async () => {
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
  ])('reports the input as a whole if that is %s', async (_, found, input) => {
    expect(await mistakes(input)).toEqual([
      `expected settings, and an id or none, received ${found}`,
    ]);
  });

  it.each(['publicKeyId', 'public_key_id', 'PUBLIC-KEY-ID', 'publickeyid'])(
    'suggests a field in another spelling: %s',
    async (name) => {
      const misspelt = { algorithm: 'x', [name]: 'k', privateKey: 'p' };
      expect(await mistakes({ settings: { clientID: 'c', appAuth: misspelt } })).toEqual([
        `settings.appAuth.publicKeyID: expected the key id, received nothing (check the spelling of "${name}")`,
      ]);
    },
  );

  it('does not suggest a field of another name', async () => {
    const other = { keyID: 'k', public: 'k', publicKeyID2: 'k', privateKey: 'p' };
    expect(await mistakes({ settings: { clientID: 'c', appAuth: other } })).toEqual([
      'settings.appAuth.publicKeyID: expected the key id, received nothing',
    ]);
  });

  it('reports where to get correct credentials', async () => {
    const error = await thrownBy(() =>
      checkFields(file, {}, new FieldNames('box.json'), boxCredentialsHelp),
    );
    expect(error).toMatchObject({ code: 'config_invalid', retryable: false });
    expect(error.hint).toMatch(/Download config\.json again.*developer console/);
    expect(error.docs).toMatch(/^https:\/\/developer\.box\.com\//);
  });
});

describe('isRecord', () => {
  it.each([
    ['an object', {}, true],
    ['a list', [], false],
    ['null', null, false],
    ['a string', 'x', false],
    ['nothing', undefined, false],
  ])('tells records from other values: %s', (_, value, is) => {
    expect(isRecord(value)).toBe(is);
  });
});

describe('describeValue', () => {
  it.each([
    ['', 'an empty string'],
    [' \n', 'an empty string'],
    ['0', 'only zeros, as an account without an enterprise has'],
    [' 000\n', 'only zeros, as an account without an enterprise has'],
    ['x0', 'a string of 2 characters'],
    ['0x', 'a string of 2 characters'],
    ['a', 'a string of 1 character'],
    [' a ', 'a string of 3 characters'],
    ['ab\ncd', 'a string of 5 characters with a line break at position 3'],
    ['ab\rcd', 'a string of 5 characters with a line break at position 3'],
    ['ab\u0000cd', 'a string of 5 characters with a control character at position 3'],
    ['a b', 'a string of 3 characters with a space at position 2'],
    ['né', 'a string of 2 characters with a character outside ASCII at position 2'],
  ])('says what kind of string %j is', (value, expected) => {
    expect(describeValue(value)).toBe(expected);
  });
});

describe('isTokenValue', () => {
  it('accepts visible ASCII of at most 8 KiB', () => {
    expect(isTokenValue('!~')).toBe(true);
    expect(isTokenValue('x'.repeat(8_192))).toBe(true);
    expect(isTokenValue('x'.repeat(8_193))).toBe(false);
  });

  it.each([7, undefined, '', 'a b', 'a\n', 'é'])('rejects %j', (value) => {
    expect(isTokenValue(value)).toBe(false);
  });
});

describe('notAbove', () => {
  const numbers = { small: v.number('a number'), large: v.number('a number') };
  const group = v.pipe(v.object(numbers), notAbove('small', 'large'));

  it('accepts equal numbers', () => {
    expect(v.safeParse(group, { small: 2, large: 2 }).success).toBe(true);
  });

  it('names the smaller option, and the limit', async () => {
    const input = { small: 3, large: 2 };
    const error = await thrownBy(() =>
      checkFields(group, input, new FieldNames('options'), boxCredentialsHelp),
    );
    expect(error.message).toContain(
      'small: expected at most `large`, which is 2, received a number',
    );
  });

  it('leaves values of another type to their own check', () => {
    expect(v.safeParse(group, { small: 'x', large: 2 }).issues).toHaveLength(1);
  });
});

import { describe, expect, it } from 'vitest';
import {
  checkedLabel,
  checkedOwner,
  checkedReturnTo,
  hashOfBinding,
} from '../../../lib/core/connections/owner.js';
import { thrownBy } from '../../support/thrown.js';

const LONG = 'a'.repeat(256);

/** Values that no name may be, and how errors describe them. */
const wrongNames: [unknown, string][] = [
  [LONG, 'another string of 256 characters'],
  ['a\0b', 'another string of 3 characters'],
  ['a\ud800', 'another string of 2 characters'],
  [7, 'a value of type number'],
  [null, 'null'],
  [['ann'], 'a value of type object'],
];

describe('An owner', () => {
  it.each(['a', 'a'.repeat(255), 'Ann Ångström 😀', ' ', '\n'])('can be %j', (owner) => {
    expect(checkedOwner(owner)).toBe(owner);
  });

  it.each([...wrongNames, ['', 'an empty string'], [undefined, 'a value of type undefined']])(
    'cannot be %j',
    async (owner, received) => {
      expect(await thrownBy(() => checkedOwner(owner))).toMatchObject({
        code: 'owner_invalid',
        message: `Invalid owner: expected a string of 1 to 255 characters, received ${received}.`,
        hint: 'Pass your own id of the signed-in person. Reject requests of people who are not signed in.',
      });
    },
  );
});

describe('A label', () => {
  it.each(['', 'work', 'a'.repeat(255)])('can be %j', (label) => {
    expect(checkedLabel(label)).toBe(label);
  });

  it('is empty by default', () => {
    expect(checkedLabel()).toBe('');
  });

  it.each(wrongNames)('cannot be %j', async (label, received) => {
    expect(await thrownBy(() => checkedLabel(label))).toMatchObject({
      code: 'option_invalid',
      message: `Invalid \`label\`: expected a string of at most 255 characters, received ${received}.`,
      hint: 'Use a label only if one person connects several accounts, such as "work" and "private".',
    });
  });
});

describe('A binding', () => {
  it('is kept as its SHA-256', () => {
    expect(hashOfBinding('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
  });

  it.each([
    ['', 'an empty string'],
    [undefined, 'a value of type undefined'],
    [7, 'a value of type number'],
  ])('cannot be %j', async (binding, received) => {
    expect(await thrownBy(() => hashOfBinding(binding))).toMatchObject({
      code: 'option_invalid',
      message: `Invalid \`binding\`: expected a string that is not empty, received ${received}.`,
      hint: 'Pass a value that only this browser has, such as the id of its session. Without a session, set a random cookie first.',
    });
  });
});

describe('The path to return to', () => {
  it.each([undefined, '/', '/files?sort=name#top', '/a//b', '/ä', `/${'a'.repeat(2_047)}`])(
    'can be %j',
    (returnTo) => {
      expect(checkedReturnTo(returnTo)).toBe(returnTo);
    },
  );

  it.each([
    ['', 'an empty string'],
    ['files/x', 'another string of 7 characters'],
    ['https://evil.example/', 'another string of 21 characters'],
    ['//evil.example', 'another string of 14 characters'],
    ['/\\evil.example', 'another string of 14 characters'],
    ['/\t/evil.example', 'another string of 15 characters'],
    ['/\u009f', 'another string of 2 characters'],
    ['/\ud800', 'another string of 2 characters'],
    [`/${'a'.repeat(2_048)}`, 'another string of 2049 characters'],
    [null, 'null'],
    [7, 'a value of type number'],
  ])('cannot be %j', async (returnTo, received) => {
    expect(await thrownBy(() => checkedReturnTo(returnTo))).toMatchObject({
      code: 'return_to_invalid',
      message: `Invalid \`returnTo\`: expected a path of this app, such as "/files", received ${received}.`,
      hint: 'Pass a path that begins with one slash, without a host, a backslash or a control character.',
      docs: 'https://datatracker.ietf.org/doc/html/rfc9700#section-4.11',
    });
  });
});

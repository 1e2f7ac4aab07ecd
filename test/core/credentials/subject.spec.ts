import { describe, expect, it } from 'vitest';
import {
  checkedSubject,
  isSameSubject,
  type Subject,
  subjectKey,
} from '../../../lib/core/credentials/subject.js';
import { thrownBy } from '../../support/thrown.js';

describe('checkedSubject', () => {
  it.each<Subject>([
    { type: 'enterprise', id: '1' },
    { type: 'user', id: '1' },
    { type: 'user', id: 'x'.repeat(255) },
  ])('returns a copy of a valid subject: %#', (subject) => {
    const checked = checkedSubject(Object.assign(subject, { more: true }));
    expect(checked).not.toBe(subject);
    expect(checked).toEqual({ type: subject.type, id: subject.id });
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['no type', { id: '1' }],
    ['another type', { type: 'group', id: '1' }],
    ['no id', { type: 'user' }],
    ['a number as id', { type: 'user', id: 1 }],
    ['a list as id', { type: 'enterprise', id: ['1'] }],
    ['an empty id', { type: 'user', id: '' }],
    ['an id of 256 characters', { type: 'user', id: 'x'.repeat(256) }],
  ])('rejects %s', async (_, subject) => {
    const error = await thrownBy(() => checkedSubject(subject as Subject));
    expect(error).toMatchObject({
      code: 'subject_invalid',
      message:
        'Invalid subject: expected { type: "enterprise" | "user", id: a string of 1 to 255 characters }, and for a user optionally the id of the enterprise.',
      docs: 'https://datatracker.ietf.org/doc/html/rfc7523#section-3',
      retryable: false,
    });
    expect(error.hint).toContain('Pass the id as a string.');
  });
});

it('Two subjects are the same if type and id are the same', () => {
  const user: Subject = { type: 'user', id: '1' };
  expect(isSameSubject(user, { ...user })).toBe(true);
  expect(isSameSubject(user, { type: 'enterprise', id: '1' })).toBe(false);
  expect(isSameSubject(user, { type: 'user', id: '2' })).toBe(false);
  expect(subjectKey(user)).toBe('user:1');
});

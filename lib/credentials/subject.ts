import { BoxAuthError } from '../errors/box-auth.error.js';

/** Whom an access token is for. */
export interface Subject {
  readonly type: 'enterprise' | 'user';
  /** The id as a string of digits. */
  readonly id: string;
}

/**
 * Two subjects are the same if type and id are; a key that no other subject has, whatever its id contains.
 *
 * @throws BoxAuthError `subject_invalid` for what is no subject, as somebody without types may pass it
 */
export function subjectKey(subject: Subject): string {
  const { type, id } = checkedSubject(subject);
  return `${type}:${id}`;
}

/** A copy that stays as it is, whatever becomes of what a caller passed. */
export function frozenSubject(subject: Subject): Subject {
  const { type, id } = checkedSubject(subject);
  return Object.freeze({ type, id });
}

function checkedSubject(subject: Subject | null): Subject {
  if (
    typeof subject === 'object' &&
    typeof subject?.id === 'string' &&
    (subject.type === 'enterprise' || subject.type === 'user')
  ) {
    return subject;
  }
  throw new BoxAuthError({
    code: 'subject_invalid',
    message:
      'A token was asked for what is no subject: { type: "enterprise" | "user", id: a string }.',
    hint: 'Pass the id as a string; without a subject the token is for whom the credentials stand for.',
    docs: 'https://datatracker.ietf.org/doc/html/rfc7523#section-3',
  });
}

import { BoxAuthError } from '../errors/box-auth.error.js';

const MAX_ID_LENGTH = 255;

/** The enterprise or user that an access token is issued for. */
export interface Subject {
  readonly type: 'enterprise' | 'user';
  /** The id as a string of digits. */
  readonly id: string;
}

/** A key that is unique to the subject. */
export function subjectKey({ type, id }: Subject): string {
  return `${type}:${id}`;
}

export function isSameSubject(one: Subject, other: Subject): boolean {
  return one.id === other.id && one.type === other.type;
}

/**
 * Checks a subject that a caller passed, and returns a copy that the caller cannot change.
 *
 * @throws BoxAuthError `subject_invalid`
 */
export function checkedSubject(input: Subject | null): Subject {
  const { type, id }: Partial<Subject> = input ?? {};
  if (
    (type === 'enterprise' || type === 'user') &&
    typeof id === 'string' &&
    id !== '' &&
    id.length <= MAX_ID_LENGTH
  ) {
    return { type, id };
  }
  throw new BoxAuthError({
    code: 'subject_invalid',
    message: `Invalid subject: expected { type: "enterprise" | "user", id: a string of 1 to ${MAX_ID_LENGTH} characters }.`,
    hint: "Pass the id as a string. Leave the subject out to get a token for the credentials' own subject.",
    docs: 'https://datatracker.ietf.org/doc/html/rfc7523#section-3',
  });
}

import { BoxAuthError } from '../errors/box-auth.error.js';

const MAX_ID_LENGTH = 255;

/** The enterprise or user that an access token is issued for. */
export interface Subject {
  readonly type: 'enterprise' | 'user';
  /** The id as a string of digits. */
  readonly id: string;
  /** Of a user: the enterprise that the user must belong to. If it is missing, the user may belong to any enterprise that authorized the app. */
  readonly enterprise?: string | undefined;
}

/** A key that is unique to the subject. */
export function subjectKey({ type, id, enterprise }: Subject): string {
  return enterprise === undefined ? `${type}:${id}` : `${type}:${id}:${enterprise}`;
}

export function isSameSubject(one: Subject, other: Subject): boolean {
  return one.id === other.id && one.type === other.type && one.enterprise === other.enterprise;
}

export function copyOf({ type, id, enterprise }: Subject): Subject {
  return enterprise === undefined ? { type, id } : { type, id, enterprise };
}

/** The enterprise that a token of `subject` belongs to, if that is known before the token is issued. */
export function enterpriseOf({ type, id, enterprise }: Subject): string | undefined {
  return type === 'enterprise' ? id : enterprise;
}

/**
 * Checks a subject that a caller passed, and returns a copy that the caller cannot change.
 *
 * @throws BoxAuthError `subject_invalid`
 */
export function checkedSubject(input: Subject | null): Subject {
  const { type, id, enterprise }: Partial<Subject> = input ?? {};
  if (isId(id)) {
    if (enterprise === undefined && (type === 'enterprise' || type === 'user')) return { type, id };
    if (type === 'user' && isId(enterprise)) return { type, id, enterprise };
  }
  throw new BoxAuthError({
    code: 'subject_invalid',
    message: `Invalid subject: expected { type: "enterprise" | "user", id: a string of 1 to ${MAX_ID_LENGTH} characters }, and for a user optionally the id of the enterprise.`,
    hint: "Pass the id as a string. Leave the subject out to get a token for the credentials' own subject.",
    docs: 'https://datatracker.ietf.org/doc/html/rfc7523#section-3',
  });
}

function isId(id: unknown): id is string {
  return typeof id === 'string' && id !== '' && id.length <= MAX_ID_LENGTH;
}

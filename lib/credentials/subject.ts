/** Whom an access token is for. */
export interface Subject {
  readonly type: 'enterprise' | 'user';
  /** The id as a string of digits. */
  readonly id: string;
}

/** Two subjects are the same if type and id are; a key that no other subject has, whatever its id contains. */
export function subjectKey(subject: Subject): string {
  return `${subject.type}:${subject.id}`;
}

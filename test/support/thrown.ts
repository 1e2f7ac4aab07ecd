import { expect } from 'vitest';
import { BoxAuthError } from 'nestjs-box-auth';

/** What `work` throws, or rejects with; it must be a BoxAuthError. */
export async function thrownBy(work: () => unknown): Promise<BoxAuthError> {
  try {
    await work();
  } catch (error) {
    expect(error).toBeInstanceOf(BoxAuthError);
    if (error instanceof BoxAuthError) return error;
  }
  throw new Error('it was expected to throw, and did not');
}

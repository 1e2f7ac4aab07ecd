import { expect } from 'vitest';
import { BoxAuthError } from 'nestjs-box-auth';

/** Returns the BoxAuthError that `work` throws or rejects with. Fails if there is none. */
export async function thrownBy(work: () => unknown): Promise<BoxAuthError> {
  try {
    await work();
  } catch (error) {
    expect(error).toBeInstanceOf(BoxAuthError);
    if (error instanceof BoxAuthError) return error;
  }
  throw new Error('Expected an error, received none.');
}

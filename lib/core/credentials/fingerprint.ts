import { createHash } from 'node:crypto';

/** Tells credentials from others without telling what they are. */
export function fingerprint(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

const MAX_TOKEN_LENGTH = 8192;

/** Whether a token consists of visible ASCII only, so that a header can carry it unchanged. */
export function isTokenValue(value: unknown): value is string {
  return (
    typeof value === 'string' && value.length <= MAX_TOKEN_LENGTH && /^[\x21-\x7e]+$/.test(value)
  );
}

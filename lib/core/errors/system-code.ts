const MAX_CAUSES = 10;

/** Returns the first code in the chain of causes, such as `ECONNRESET`: the message of fetch is only "fetch failed". */
export function systemCode(error: unknown): string | undefined {
  let cause = error;
  try {
    // Bounded: an error may be its own cause.
    for (let depth = 0; depth < MAX_CAUSES && cause instanceof Error; depth++) {
      if ('code' in cause && typeof cause.code === 'string' && /^\w{1,60}$/.test(cause.code)) {
        return cause.code;
      }
      cause = cause.cause;
    }
  } catch {
    // A getter or a Proxy threw: there is no code to read.
  }
  return undefined;
}

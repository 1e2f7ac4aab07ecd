/** How long and how often the token endpoint is tried. */
export interface TokenEndpointOptions {
  /** Milliseconds that one attempt may take. Default 10,000. */
  readonly timeoutMs?: number;
  /** Attempts in all, the first included. Default 4. */
  readonly attempts?: number;
  /** Milliseconds for all attempts and the pauses between them. Default 30,000. */
  readonly deadlineMs?: number;
}

export const tokenEndpointDefaults: Required<TokenEndpointOptions> = {
  timeoutMs: 10_000,
  attempts: 4,
  deadlineMs: 30_000,
};

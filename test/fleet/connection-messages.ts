/** The settings of a member. */
export interface MemberOptions {
  readonly databaseUrl: string;
  readonly apiUrl: string;
  readonly client: { readonly clientId: string; readonly clientSecret: string };
  readonly owners: readonly string[];
  readonly callers: number;
  readonly pauseMs: number;
}

/** The results of the calls of a member, sent every 100 ms. */
export interface MemberReport {
  readonly calls: number;
  /** The code of each error, and each status other than 2xx. */
  readonly failures: readonly string[];
}

export const MEMBER_SECRET = 'a secret of the fleet, 0123456789abcdefgh';

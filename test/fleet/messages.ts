import type { EmulatedConfig } from '../../lib/testing/box/emulated-app.js';

/** The Redis of a member, and its client. */
export interface SharedRedis {
  readonly client: 'ioredis' | 'node-redis' | 'ioredis-cluster';
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
}

/** A message to a member. */
export type Order =
  | {
      readonly kind: 'run';
      readonly apiUrl: string;
      readonly config: EmulatedConfig;
      /** Without Redis, each process requests its own tokens. */
      readonly redis: SharedRedis | undefined;
      readonly callers: number;
      /** The average pause between two calls of a caller. */
      readonly pauseMs: number;
      /** The subjects of the callers, besides the app itself. */
      readonly userIds: readonly string[];
    }
  | { readonly kind: 'stop' };

/** The result of a run. */
export interface Report {
  readonly calls: number;
  /** The code or message of each error, and each status other than 2xx and 401. */
  readonly errors: readonly string[];
  /** Milliseconds that each caller waited for its first token. */
  readonly firstWaitsMs: readonly number[];
  /** Milliseconds that callers waited for each further token. */
  readonly waitsMs: readonly number[];
  /** The duration of each call that Box refused. */
  readonly refusedAfterMs: readonly number[];
  /** The number of tokens that had expired when they were handed out. */
  readonly expiredServed: number;
}

/** A message from a member. */
export type MemberMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'store'; readonly state: 'away' | 'back' }
  | ({ readonly kind: 'report' } & Report);

/** The header that identifies the member to the emulator. */
export const MEMBER_HEADER = 'x-member';

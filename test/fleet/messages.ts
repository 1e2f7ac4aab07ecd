import type { BoxConfigJson } from '../../lib/testing/box/emulated-app.js';

/** Where a member finds Redis, and by which client. */
export interface SharedRedis {
  readonly client: 'ioredis' | 'node-redis' | 'ioredis-cluster';
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
}

/** What a member is told. */
export type Order =
  | {
      readonly kind: 'run';
      readonly apiUrl: string;
      readonly config: BoxConfigJson;
      /** Without one, each process goes its own way. */
      readonly redis: SharedRedis | undefined;
      readonly callers: number;
      /** Between two calls of a caller. */
      readonly pauseMs: number;
      /** Users for whom callers ask, besides the app itself. */
      readonly userIds: readonly string[];
    }
  | { readonly kind: 'stop' };

/** What came of a run. */
export interface Report {
  readonly calls: number;
  /** The codes, or the messages, of what callers were thrown; and each status but 200. */
  readonly errors: readonly string[];
  /** How long each caller waited for its first token, in ms. */
  readonly firstWaitsMs: readonly number[];
  /** And for each further one. */
  readonly waitsMs: readonly number[];
  /** How long each call took that Box has refused. */
  readonly refusedAfterMs: readonly number[];
  /** Tokens that were past their end when they were handed out. */
  readonly expiredServed: number;
}

/** What a member tells. */
export type News =
  | { readonly kind: 'ready' }
  | { readonly kind: 'store'; readonly state: 'away' | 'back' }
  | ({ readonly kind: 'report' } & Report);

/** The header by which the emulator tells members apart. */
export const MEMBER_HEADER = 'x-member';

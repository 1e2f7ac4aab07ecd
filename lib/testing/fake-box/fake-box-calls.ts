import type { ActingVia } from '../../core/acting/acting-user.context.js';
import { BOX_API_URL } from '../../box/box-issuer.js';

/** An address: a path, with the query or without, or a whole URL; a RegExp is tried on each of these forms. */
export type FakeBoxPath = string | RegExp;

/** A call that a {@link FakeBox} received. */
export interface FakeBoxCall {
  /** Upper case. */
  readonly method: string;
  /** The whole address. */
  readonly url: string;
  /** Without the query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case. Without `authorization`: `as` says whose token it was. */
  readonly headers: Readonly<Record<string, string>>;
  /** As text; undefined if there was none. */
  readonly body: string | undefined;
  /** `'service-account'`, or the id of the user that it acts for; undefined if it carried no token of ours. */
  readonly as: string | undefined;
  /** How it acts for that user: by the `as-user` header, or by a user access token. */
  readonly via: ActingVia | undefined;
  /** What it was answered with; undefined while it waits. */
  readonly status: number | undefined;
}

/** Whom a call is expected to be made for. */
export type FakeBoxActing = Partial<Pick<FakeBoxCall, 'as' | 'via'>>;

/** Whose a token is. */
export type TokenHolder = Pick<FakeBoxCall, 'as' | 'via'>;

/** A call while it is being answered. */
export type OpenCall = { -readonly [Key in keyof FakeBoxCall]: FakeBoxCall[Key] };

export async function recordCall(
  request: Request,
  holder: TokenHolder | undefined,
): Promise<OpenCall> {
  const url = new URL(request.url);
  const { authorization: _, ...headers } = Object.fromEntries(request.headers);
  const actingUser = headers['as-user'];
  return {
    method: request.method,
    url: url.href,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers,
    body: request.body === null ? undefined : await request.text(),
    as: undefined,
    via: undefined,
    ...(holder !== undefined && actingUser !== undefined
      ? { as: actingUser, via: 'header' }
      : holder),
    status: undefined,
  };
}

/** Whether a call goes to where `method` and `path` say. */
export function goesTo(call: FakeBoxCall, method: string, path: FakeBoxPath): boolean {
  const { origin, pathname, search } = new URL(call.url);
  const forms = [pathname, origin + pathname].flatMap((form) => [form, form + search]);
  return (
    call.method === method.toUpperCase() &&
    // `search` and not `test`: a RegExp with the flag g remembers where it was.
    forms.some((form) => (typeof path === 'string' ? form === path : form.search(path) >= 0))
  );
}

/** The address as a test would write it. */
export function addressOf({ url }: FakeBoxCall): string {
  return url.startsWith(`${BOX_API_URL}/`) ? url.slice(BOX_API_URL.length) : url;
}

/** Says what a call was, or was to be. */
export function actingText({ as, via }: FakeBoxActing): string {
  if (as === undefined) return ' without a token';
  return ` as ${as}${via === undefined ? '' : ` (via ${via})`}`;
}

/** The calls as a list for people. */
export function callsText(calls: readonly FakeBoxCall[]): string {
  if (calls.length === 0) return 'No call was made at all.';
  const lines = calls.map(
    (call) =>
      `  ${call.method} ${addressOf(call)}${actingText(call)}: ${call.status ?? 'not answered yet'}`,
  );
  return ['Calls that were made:', ...lines].join('\n');
}

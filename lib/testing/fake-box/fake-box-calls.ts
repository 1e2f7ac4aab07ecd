import type { ActingVia } from '../../core/acting/acting.context.js';
import { BOX_API_URL } from '../../box/box-issuer.js';
import { OWN_ENTERPRISE } from './fake-box-auth.js';

/** A path with or without the query, or a full URL. A RegExp is tested against each of these forms. */
export type FakeBoxPath = string | RegExp;

/** A call that a {@link FakeBox} received. */
export interface FakeBoxCall {
  /** Upper case. */
  readonly method: string;
  /** The full URL, as it is sent: without a fragment. */
  readonly url: string;
  /** Without the query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Names are in lower case. `authorization` is left out: `as` names the subject of its token. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body as text; undefined if the call had none. */
  readonly body: string | undefined;
  /** `'service-account'` or the id of the acting user; undefined if the call had no token of this fake. */
  readonly as: string | undefined;
  /** How the call acts for that user: the `as-user` header, a user access token, or the token of a connection. */
  readonly via: ActingVia | 'connection' | undefined;
  /** The id of the enterprise of its token: `'1'` unless it was for another one. Undefined if `as` is. */
  readonly enterprise: string | undefined;
  /** The status of the response; undefined until it is sent. */
  readonly status: number | undefined;
}

/** The expected acting user and enterprise of a call. */
export type FakeBoxActing = Partial<Pick<FakeBoxCall, 'as' | 'via' | 'enterprise'>>;

/** The user that a token acts as, and the enterprise of the token. */
export interface TokenHolder extends Pick<FakeBoxCall, 'via'> {
  readonly as: string;
  readonly enterprise: string;
}

/** A call whose response is still pending. */
export type OpenCall = { -readonly [Key in keyof FakeBoxCall]: FakeBoxCall[Key] };

export async function recordCall(
  request: Request,
  holder: TokenHolder | undefined,
): Promise<OpenCall> {
  const { origin, pathname, search, searchParams } = new URL(request.url);
  const { authorization: _, ...headers } = Object.fromEntries(request.headers);
  const actingUser = headers['as-user'];
  return {
    method: request.method.toUpperCase(),
    url: origin + pathname + search,
    path: pathname,
    query: Object.fromEntries(searchParams),
    headers,
    body: request.body === null ? undefined : await request.text(),
    as: undefined,
    via: undefined,
    enterprise: undefined,
    ...holder,
    ...(holder !== undefined && actingUser !== undefined && { as: actingUser, via: 'header' }),
    status: undefined,
  };
}

/** Whether a call has that method and path. A fragment is not sent, so it is ignored in a path. */
export function matchesRoute(call: FakeBoxCall, method: string, path: FakeBoxPath): boolean {
  const expected = typeof path === 'string' ? path.replace(/#.*/, '') : path;
  const { origin, pathname, search } = new URL(call.url);
  const forms = [pathname, origin + pathname].flatMap((form) => [form, form + search]);
  return (
    call.method === method.toUpperCase() &&
    // Not `test`: a RegExp with the flag `g` keeps its `lastIndex`.
    forms.some((form) =>
      typeof expected === 'string' ? form === expected : form.search(expected) >= 0,
    )
  );
}

/** The path of a call to Box, or the full URL of any other call. */
export function displayUrl({ url }: FakeBoxCall): string {
  return url.startsWith(`${BOX_API_URL}/`) ? url.slice(BOX_API_URL.length) : url;
}

/** Whether a call has the expected acting user and enterprise. */
export function matchesActing(call: FakeBoxCall, acting: FakeBoxActing): boolean {
  return (['as', 'via', 'enterprise'] as const).every(
    (name) => !(name in acting) || call[name] === acting[name],
  );
}

/** Describes the acting user and the enterprise of a call for a message. */
export function describeActing(acting: FakeBoxActing): string {
  const { as, via, enterprise } = acting;
  if (as === undefined && enterprise === undefined) return ' without a token';
  return [
    as === undefined ? '' : ` as ${as}`,
    via === undefined ? '' : ` (via ${via})`,
    enterprise === undefined ? '' : ` of enterprise ${enterprise}`,
  ].join('');
}

/** Tests with one enterprise need not see its id. */
function withoutOwn(call: FakeBoxCall): FakeBoxActing {
  return call.enterprise === OWN_ENTERPRISE ? { ...call, enterprise: undefined } : call;
}

/** Lists calls for a message. */
export function describeCalls(calls: readonly FakeBoxCall[]): string {
  if (calls.length === 0) return 'No calls were made.';
  const lines = calls.map(
    (call) =>
      `  ${call.method} ${displayUrl(call)}${describeActing(withoutOwn(call))}: ${call.status ?? 'no response yet'}`,
  );
  return ['Calls made:', ...lines].join('\n');
}

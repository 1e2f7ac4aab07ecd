import { BoxSdkError } from 'box-node-sdk/box/errors';
import { FetchOptions, type FetchResponse } from 'box-node-sdk/networking';
import type { OutgoingPolicy } from '../core/http/outgoing-policy.js';
import {
  becomesGet,
  BODY_HEADERS,
  MAX_REDIRECTS,
  ORIGIN_BOUND_HEADERS,
  redirectTarget,
} from '../core/http/redirect.js';
import { providerOf } from './box-sdk.authentication.js';

/** A call on its way along redirects: the SDK runs the interceptors for each hop. */
export interface Hop {
  /** For the interceptors. */
  readonly options: FetchOptions;
  readonly count: number;
  /** Whether a redirect has led the call away from Box. No header that only Box may see is sent from then on. */
  readonly hasLeftBox: boolean;
}

/** The request of a hop, after the interceptors. */
interface SentHop {
  readonly options: FetchOptions;
  readonly headers: Headers;
  readonly policy: OutgoingPolicy;
}

/**
 * Returns the next hop of a call whose response is a redirect; undefined if it is not, or if the call follows none.
 *
 * @throws BoxSdkError if the redirect cannot be followed
 */
export function nextHop(
  hop: Hop,
  { options, headers, policy }: SentHop,
  { status, headers: { location } }: FetchResponse,
): Hop | undefined {
  if (options.followRedirects === false || status < 300 || status >= 400) return undefined;
  const from = new URL(options.url);
  const url = location === undefined ? undefined : redirectTarget(location, from);
  if (url === undefined || hop.count === MAX_REDIRECTS) {
    throw new BoxSdkError({ message: `Unable to follow redirect for ${options.url}` });
  }
  const isFromBox = policy.allows(from);
  const isToBox = policy.allowsRedirectTo(url);
  const isSameOrigin = url.origin === from.origin;
  const isGet = becomesGet(options.method.toUpperCase(), status);
  const { params: _params, auth: _auth, ...rest } = hop.options;
  const {
    data: _data,
    fileStream: _file,
    multipartData: _form,
    contentType: _type,
    ...bodiless
  } = rest;
  // A caller that authorizes the first hop itself gets no token of ours on a later one.
  const keepsAuth =
    providerOf(options.auth) === undefined
      ? isSameOrigin
      : isFromBox && isToBox && !headers.has('authorization');
  const dropped = [...(isSameOrigin ? [] : ORIGIN_BOUND_HEADERS), ...(isGet ? BODY_HEADERS : [])];
  return {
    options: new FetchOptions({
      ...(isGet ? { ...bodiless, method: 'GET' } : rest),
      url: url.href,
      headers: without(dropped, rest.headers),
      ...(keepsAuth && options.auth !== undefined && { auth: options.auth }),
    }),
    count: hop.count + 1,
    hasLeftBox: hop.hasLeftBox || (isFromBox && !isToBox),
  };
}

/** Removes the headers with these names (lower case). */
export function without(
  names: readonly string[],
  headers: FetchOptions['headers'] = {},
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !names.includes(name.toLowerCase())),
  );
}

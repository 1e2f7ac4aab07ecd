import type { OutgoingPolicy } from '../core/http/outgoing-policy.js';
import type { Target } from './call-target.js';
import { headerOf } from './headers.js';

/**
 * Recognizes the hops of a redirect by their handler, which is the same. A call that leaves Box loses its headers, and gets
 * none if it returns to Box.
 */
export class Hops {
  readonly firstBoxUrls = new WeakMap<object, string>();
  readonly mustNotAuthorize = new WeakSet<object>();

  /**
   * Notes the first hop at Box. Called at a result that may lead to another hop, instead of for each call: a WeakMap of
   * short-lived handlers makes garbage collection expensive.
   */
  begin(handler: object, target: Target): void {
    if (!this.firstBoxUrls.has(handler)) this.firstBoxUrls.set(handler, target.url.href);
  }
}

/**
 * Names of the headers that must not go to another host. With `fetch` each hop has its own handler, which does not show
 * whether Box redirected the call. If Box did, `authorization` is missing: `fetch` removes it and keeps unknown headers.
 */
export function forbiddenHeaderNames(
  headers: unknown,
  isRedirected: boolean,
  policy: OutgoingPolicy,
): readonly string[] {
  if (isRedirected) return policy.protectedHeaderNames;
  return headerOf(headers, 'authorization') === undefined ? policy.issuerHeaderNames : [];
}

import type { FetchInit } from '../core/http/outgoing-request.js';

/**
 * The options of `BoxFetch`: those of `fetch`. The body may also be a stream of Node, or a function that returns a body. The
 * function is called again if the call has to be repeated.
 *
 * @example
 * ```ts
 * import { createReadStream } from 'node:fs';
 * import type { BoxFetch } from 'nestjs-box-auth';
 *
 * export function uploadPart(box: BoxFetch, url: string, path: string): Promise<Response> {
 *   return box(url, { method: 'PUT', body: () => createReadStream(path) });
 * }
 * ```
 */
export type BoxFetchInit = FetchInit;

/**
 * A `fetch` for Box, both a type and an injection token. It sends a token and the acting user with calls to Box, and repeats
 * a call once with a new token if Box refuses the token, and for other reasons with the option `apiRetries`. It resolves paths against `apiUrl`, and those below `/api/2.0/`,
 * which are uploads, against `uploadUrl`. Calls to other hosts are sent unchanged.
 *
 * Rejects like `fetch`, and with a `BoxAuthError`: those of `BoxTokenProvider.getToken` if there is no token,
 * `body_not_replayable` if the token was refused and the body cannot be sent again, and `token_refused_again` if the refused token
 * replaced another refused one less than 10 s before.
 *
 * @example
 * ```ts
 * import { Injectable } from '@nestjs/common';
 * import { BoxFetch } from 'nestjs-box-auth';
 *
 * @Injectable()
 * export class Folders {
 *   constructor(private readonly box: BoxFetch) {}
 *
 *   async items(id: string): Promise<unknown> {
 *     const response = await this.box(`/2.0/folders/${encodeURIComponent(id)}/items`);
 *     return response.json();
 *   }
 * }
 * ```
 */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- Nest injects classes, and the value is a function
export abstract class BoxFetch {}
export interface BoxFetch {
  (input: Parameters<typeof fetch>[0], init?: BoxFetchInit): Promise<Response>;
}

/**
 * A `fetch` for Box: a type and an injection token in one. Calls to Box carry a token and the acting user, addresses
 * without a host are of `apiUrl`, a refused token is renewed and the call repeated once. Anything else is plain `fetch`.
 *
 * Rejects as `fetch` does, and with a `BoxAuthError` if no token is to be had, with `body_not_replayable` if the token was
 * refused and the body was a stream, and with `token_refused_again` if it replaced a refused one less than 10 s ago.
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
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- Nest can inject a class, and a function is what it is
export abstract class BoxFetch {}
export interface BoxFetch {
  (input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response>;
}

/**
 * A `fetch` for Workfront: a type and an injection token in one. Calls to the app's own Workfront carry a session,
 * addresses without a host are of its `url`, a refused session is renewed and the call repeated once. Anything else is
 * plain `fetch`.
 *
 * Rejects as `fetch` does, and with a `BoxAuthError` if no session is to be had, with `body_not_replayable` if it was
 * refused and the body was a stream, and with `token_refused_again` if it replaced a refused one less than 10 s ago.
 *
 * @example
 * ```ts
 * import { Injectable } from '@nestjs/common';
 * import { WorkfrontFetch } from 'nestjs-box-auth/workfront';
 *
 * @Injectable()
 * export class Projects {
 *   constructor(private readonly workfront: WorkfrontFetch) {}
 *
 *   async all(): Promise<unknown> {
 *     const response = await this.workfront('/attask/api/v17.0/proj/search?fields=name');
 *     return response.json();
 *   }
 * }
 * ```
 */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- Nest can inject a class, and a function is what it is
export abstract class WorkfrontFetch {}
export interface WorkfrontFetch {
  (input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response>;
}

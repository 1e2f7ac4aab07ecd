/**
 * A `fetch` for Workfront, both a type and an injection token. It sends a session with calls to the app's own Workfront,
 * resolves paths against its address, and repeats a call once with a new session if Workfront refuses the session. Calls to
 * other hosts are sent unchanged.
 *
 * Rejects like `fetch`, and with a `BoxAuthError`: the errors of `WorkfrontTokenProvider.getToken` if there is no session,
 * `body_not_replayable` if Workfront refused the session and the body cannot be sent again, and `token_refused_again` if the refused
 * session had replaced another refused session less than 10 s before.
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
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- Nest injects classes, and the value is a function
export abstract class WorkfrontFetch {}
export interface WorkfrontFetch {
  (input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response>;
}

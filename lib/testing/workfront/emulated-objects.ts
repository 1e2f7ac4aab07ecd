import {
  type DownloadedFile,
  type DownloadSource,
  DownloadTickets,
} from '../http/download-origin.js';
import type { EmulatorClock } from '../http/emulator-clock.js';
import type { JsonObject } from '../http/http-response.js';
import { newWorkfrontId } from './emulated-app.js';

/** Workfront's code for a kind of object. */
export type ObjCode = 'USER' | 'PROJ' | 'TASK' | 'DOCU';

/** An object in Workfront's JSON. */
export interface AttaskObject extends JsonObject {
  readonly ID: string;
  readonly name: string;
  readonly objCode: ObjCode;
}

/** The objects of the emulated Workfront: the application's user, two projects and a document. */
export class AttaskObjects implements DownloadSource {
  readonly #objects = new Map<string, AttaskObject>();
  readonly #tickets: DownloadTickets;

  constructor(clock: EmulatorClock, userId: string) {
    this.#tickets = new DownloadTickets(clock);
    this.save('USER', userId, { name: 'Integration User', emailAddr: 'integration@example.com' });
    for (const name of ['Spring campaign', 'Annual report']) {
      this.save('PROJ', newWorkfrontId(), { name, status: 'CUR' });
    }
    const documentId = newWorkfrontId();
    const downloadURL = `/internal/document/download?ID=${documentId}`;
    this.save('DOCU', documentId, { name: 'Briefing.txt', downloadURL });
  }

  of(objCode: ObjCode): readonly AttaskObject[] {
    return [...this.#objects.values()].filter((object) => object.objCode === objCode);
  }

  find(objCode: ObjCode, id: string): AttaskObject | undefined {
    const object = this.#objects.get(id);
    return object?.objCode === objCode ? object : undefined;
  }

  /** Creates or updates an object; an update keeps the fields that it does not name. */
  save(objCode: ObjCode, id: string, fields: JsonObject): AttaskObject {
    const before = this.find(objCode, id);
    const name = typeof fields.name === 'string' ? fields.name : (before?.name ?? '');
    const object = { ...before, ...fields, ID: id, name, objCode };
    this.#objects.set(id, object);
    return object;
  }

  issueTicket(documentId: string): string {
    return this.#tickets.issue(documentId);
  }

  redeemTicket(ticket: string): DownloadedFile | undefined {
    const document = this.find('DOCU', this.#tickets.redeem(ticket) ?? '');
    if (!document) return undefined;
    const { name } = document;
    return { name, content: Buffer.from(`This is ${name}.\n`), contentType: 'text/plain' };
  }
}

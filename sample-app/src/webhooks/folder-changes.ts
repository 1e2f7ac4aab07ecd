import { setImmediate } from 'node:timers/promises';
import { Injectable, type MessageEvent, type OnModuleDestroy } from '@nestjs/common';
import { type BoxWebhookEvent } from 'nestjs-box-auth/webhooks';
import { filter, map, type Observable, Subject } from 'rxjs';

// Every user has a root folder with this id. Box has no webhooks for it.
const ROOT_FOLDER = '0';

/** The changes that Box has reported by webhooks, by folder. */
@Injectable()
export class FolderChanges implements OnModuleDestroy {
  readonly #changes = new Subject<{ readonly folder: string; readonly trigger: string }>();

  report({ trigger, source }: BoxWebhookEvent): void {
    const folder = parentOf(source);
    if (folder !== undefined && folder !== ROOT_FOLDER) this.#changes.next({ folder, trigger });
  }

  /** The changes in a folder from now on. They name no item: the page loads the list again. */
  in(folderId: string): Observable<MessageEvent> {
    return this.#changes.pipe(
      filter(({ folder }) => folder === folderId),
      map(({ trigger }) => ({ data: { trigger } })),
    );
  }

  /** Ends the streams one tick before the server closes, as closing would cut open connections. */
  async onModuleDestroy(): Promise<void> {
    this.#changes.complete();
    await setImmediate();
  }
}

/** The id of the folder that an item is in. */
function parentOf(item: unknown): string | undefined {
  if (typeof item !== 'object' || item === null || !('parent' in item)) return undefined;
  const { parent } = item;
  return typeof parent === 'object' && parent !== null && 'id' in parent
    ? String(parent.id)
    : undefined;
}

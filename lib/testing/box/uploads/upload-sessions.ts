import { randomBytes } from 'node:crypto';
import type { EmulatorClock } from '../../http/emulator-clock.js';
import type { StorageQuota } from '../drive/storage-quota.js';

const LIFETIME_MS = 7 * 86_400_000;
const PART_BYTES = 8 * 1024 * 1024;

export interface UploadPart {
  readonly id: string;
  readonly offset: number;
  readonly sha1: string;
  readonly content: Buffer;
}

export interface UploadSession {
  readonly id: string;
  readonly userId: string;
  /** The folder of a new file, or the file that gets a new version. */
  readonly target: { readonly folderId: string } | { readonly fileId: string };
  readonly fileName: string;
  readonly fileBytes: number;
  readonly partBytes: number;
  readonly expiresAtMs: number;
  /** By their offset. Empty after the commit. */
  readonly parts: Map<number, UploadPart>;
}

/** The chunked uploads in progress. Their parts count towards the quota of the drive. */
export class UploadSessions {
  readonly #clock: EmulatorClock;
  readonly #quota: StorageQuota;
  readonly #sessions = new Map<string, UploadSession>();

  constructor(clock: EmulatorClock, quota: StorageQuota) {
    this.#clock = clock;
    this.#quota = quota;
  }

  open(
    options: Pick<UploadSession, 'userId' | 'target' | 'fileName' | 'fileBytes'>,
  ): UploadSession {
    for (const session of this.#sessions.values()) {
      if (this.isExpired(session)) this.close(session);
    }
    const session = {
      ...options,
      id: randomBytes(16).toString('hex').toUpperCase(),
      partBytes: PART_BYTES,
      expiresAtMs: this.#clock.nowMs() + LIFETIME_MS,
      parts: new Map<number, UploadPart>(),
    };
    this.#sessions.set(session.id, session);
    return session;
  }

  find(id: string): UploadSession | undefined {
    return this.#sessions.get(id);
  }

  isExpired({ expiresAtMs }: UploadSession): boolean {
    return expiresAtMs <= this.#clock.nowMs();
  }

  /** The part is kept; sending it again replaces nothing. */
  addPart(session: UploadSession, part: Omit<UploadPart, 'id'>): UploadPart {
    this.#quota.add(part.content.byteLength);
    const added = { id: randomBytes(4).toString('hex').toUpperCase(), ...part };
    session.parts.set(part.offset, added);
    return added;
  }

  dropParts({ parts }: UploadSession): void {
    for (const { content } of parts.values()) this.#quota.remove(content.byteLength);
    parts.clear();
  }

  close(session: UploadSession): void {
    this.dropParts(session);
    this.#sessions.delete(session.id);
  }
}

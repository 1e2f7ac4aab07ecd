import { randomBytes } from 'node:crypto';
import type { JsonObject } from '../../http/http-response.js';
import { boxTimeOrNull } from '../representation.js';

export type SharedLinkAccess = 'open' | 'company' | 'collaborators';

export interface SharedLink {
  /** The last part of its URL. */
  readonly key: string;
  readonly access: SharedLinkAccess;
  readonly password?: string | undefined;
  readonly vanityName?: string | undefined;
  readonly expiresAtMs?: number | undefined;
  readonly allowsDownload: boolean;
}

export function newSharedLink(): SharedLink {
  return { key: randomBytes(16).toString('hex'), access: 'open', allowsDownload: true };
}

export function sharedLinkUrl({ key }: SharedLink): string {
  return `https://app.box.com/s/${key}`;
}

function vanityUrl({ vanityName }: SharedLink): string | null {
  return vanityName === undefined ? null : `https://app.box.com/v/${vanityName}`;
}

/** Whether a URL is the one of this link, or its vanity URL. */
export function isUrlOf(link: SharedLink, url: string): boolean {
  return url === sharedLinkUrl(link) || url === vanityUrl(link);
}

export function describeSharedLink(link: SharedLink, type: 'file' | 'folder'): JsonObject {
  const canDownload = link.allowsDownload && link.access !== 'collaborators';
  return {
    url: sharedLinkUrl(link),
    download_url: type === 'file' ? `https://app.box.com/shared/static/${link.key}` : null,
    vanity_url: vanityUrl(link),
    vanity_name: link.vanityName ?? null,
    access: link.access,
    effective_access: link.access,
    effective_permission: canDownload ? 'can_download' : 'can_preview',
    unshared_at: boxTimeOrNull(link.expiresAtMs),
    is_password_enabled: link.password !== undefined,
    permissions: { can_preview: true, can_download: canDownload, can_edit: false },
    download_count: 0,
    preview_count: 0,
  };
}

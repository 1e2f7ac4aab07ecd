import type { JsonObject } from '../../http/http-response.js';
import { boxTime, type Representation } from '../representation.js';
import type { EmulatedUsers, StoredUser } from './emulated-users.js';

const SPACE_AMOUNT_BYTES = 10 * 1024 ** 3;

/** A user inside another resource. Of a deleted user, only the id is known. */
export function describeUser(users: EmulatedUsers, id: string): JsonObject {
  const { name, login } = users.get(id) ?? {};
  return { type: 'user', id, ...(name !== undefined && { name, login }) };
}

export function representUser(
  user: StoredUser,
  context: {
    readonly enterprise: { readonly id: string; readonly name: string };
    readonly usedBytes: number;
    readonly maxUploadBytes: number;
  },
): Representation {
  const {
    role = 'user',
    tracking_codes: trackingCodes = [],
    can_see_managed_users: seesManagedUsers = true,
    is_sync_enabled: syncs = true,
    is_external_collab_restricted: isRestricted = false,
    is_exempt_from_device_limits: isExemptFromLimits = false,
    is_exempt_from_login_verification: isExemptFromVerification = false,
    external_app_user_id: externalId,
    ...profile
  } = user.profile;
  return {
    base: { type: 'user', id: user.id },
    standard: {
      name: user.name,
      login: user.login,
      created_at: boxTime(user.createdAtMs),
      modified_at: boxTime(user.modifiedAtMs),
      language: 'en',
      timezone: 'America/Los_Angeles',
      space_amount: SPACE_AMOUNT_BYTES,
      space_used: context.usedBytes,
      max_upload_size: context.maxUploadBytes,
      status: 'active',
      job_title: '',
      phone: '',
      address: '',
      avatar_url: `https://app.box.com/api/avatar/large/${user.id}`,
      notification_email: null,
      ...profile,
    },
    onRequest: {
      role,
      tracking_codes: trackingCodes,
      can_see_managed_users: seesManagedUsers,
      is_sync_enabled: syncs,
      is_external_collab_restricted: isRestricted,
      is_exempt_from_device_limits: isExemptFromLimits,
      is_exempt_from_login_verification: isExemptFromVerification,
      enterprise: {
        type: 'enterprise',
        id: context.enterprise.id,
        name: context.enterprise.name,
      },
      my_tags: [],
      hostname: 'https://app.box.com/',
      is_platform_access_only: user.isPlatformAccessOnly,
      ...(externalId !== undefined && { external_app_user_id: externalId }),
    },
  };
}

/**
 * The scopes that a token can be downscoped to.
 *
 * https://developer.box.com/guides/api-calls/permissions-and-errors/scopes
 */
export const KNOWN_SCOPES: ReadonlySet<string> = new Set([
  'ai.readwrite',
  'annotation_edit',
  'annotation_view_all',
  'annotation_view_self',
  'base_explorer',
  'base_picker',
  'base_preview',
  'base_sidebar',
  'base_upload',
  'docgen.readwrite',
  'enterprise_content',
  'item_delete',
  'item_download',
  'item_preview',
  'item_read',
  'item_rename',
  'item_share',
  'item_upload',
  'manage_app_users',
  'manage_data_retention',
  'manage_enterprise_properties',
  'manage_groups',
  'manage_legal_holds',
  'manage_managed_users',
  'manage_triggers',
  'manage_webhook',
  'root_readonly',
  'root_readwrite',
  'sign_requests.readwrite',
]);

export const WRITE = ['root_readwrite'];
export const READ = ['root_readonly', ...WRITE];
export const LIST_FOLDER = ['base_explorer', 'base_picker', ...READ];
export const READ_FILE = [
  'item_preview',
  'base_preview',
  'base_sidebar',
  'item_download',
  'item_read',
  ...LIST_FOLDER,
];
export const DOWNLOAD = ['item_download', ...READ];
export const UPLOAD = ['item_upload', 'base_upload', ...WRITE];
export const DELETE = ['item_delete', ...WRITE];
export const RENAME = ['item_rename', ...WRITE];
export const SHARE = ['item_share', ...WRITE];
export const MANAGE_USERS = ['manage_managed_users', 'manage_app_users'];
export const MANAGE_WEBHOOKS = ['manage_webhook'];

import type { BaseUrlOf } from '../core/http/authorized-fetch.js';
import { refusesBearer } from '../core/http/www-authenticate.js';
import type { HeaderScheme } from '../core/http/outgoing-policy.js';
import type { UrlRules } from '../core/http/url-rules.js';
import { checkedActingUserId } from './acting-user.js';
import { BOX_API_URL } from './box-issuer.js';

/** The address of uploads at Box. */
export const BOX_UPLOAD_URL = 'https://upload.box.com';

/** At Box, all uploads have paths below this one, and no other call has. */
const UPLOAD_PATH = '/api/2.0/';

/** Returns the server of a path without a host. */
export function boxBaseUrlOf({
  apiUrl,
  uploadUrl,
}: {
  readonly apiUrl: string;
  readonly uploadUrl: string;
}): BaseUrlOf {
  return (path) => (path.startsWith(UPLOAD_PATH) ? uploadUrl : apiUrl);
}

/** A bearer token (RFC 6750 section 2.1), and Box's own headers. */
export const boxHeaders: HeaderScheme = {
  tokenHeader: 'authorization',
  formatToken: (value) => `Bearer ${value}`,
  actingUserHeader: 'as-user',
  checkActingUser: checkedActingUserId,
  // Contains a shared link and its password.
  confidentialHeaders: ['boxapi'],
  refusesToken: refusesBearer,
};

/** Tokens go to the hosts of Box, and to the origins that the app adds. */
export function boxUrlRules(extraOrigins: readonly string[]): UrlRules {
  return {
    origins: new Set([BOX_API_URL, BOX_UPLOAD_URL, 'https://upload.app.box.com', ...extraOrigins]),
    // The hosts of upload_url and session_endpoints, such as upload-las.app.box.com, and those of Box Zones:
    // https://docs.box.com/en/box-mcp/tools lists upload.*.box.com.
    hosts: /^(?:(?=[a-z0-9-]*upload)[a-z0-9-]+\.app|upload\.[a-z0-9-]+)\.box\.com$/,
    // The content of representations: https://developer.box.com/guides/representations/download-a-representation/.
    // Segments are plain text, because servers disagree about encoded dots and slashes.
    paths: new Map([
      [
        'https://dl.boxcloud.com',
        /^\/api\/2\.0\/internal_files(?:\/(?!\.{1,2}(?:\/|$))[\w.-]+)+\/?$/,
      ],
    ]),
    advice: {
      hint: 'Tokens go only to the hosts of the Box API, over https, and never to its token endpoint. Add your own proxy to the option `origins`.',
      docs: 'https://developer.box.com/guides/authentication/tokens/access-tokens/',
    },
    exceptPaths: /\/oauth2\/(?:token|revoke)\/?$/,
  };
}

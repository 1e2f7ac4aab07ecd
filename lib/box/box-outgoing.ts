import { refusesBearer } from '../core/http/www-authenticate.js';
import type { HeaderScheme } from '../core/http/outgoing-policy.js';
import type { UrlRules } from '../core/http/url-rules.js';
import { checkedActingUserId } from './acting-user.js';
import { BOX_API_URL } from './box-issuer.js';

/** RFC 6750 section 2.1, and Box's own headers. */
export const boxHeaders: HeaderScheme = {
  tokenHeader: 'authorization',
  formatToken: (value) => `Bearer ${value}`,
  actingUserHeader: 'as-user',
  checkActingUser: checkedActingUserId,
  // A shared link, and its password.
  confidentialHeaders: ['boxapi'],
  refusesToken: refusesBearer,
};

/** Box's own origins, and those that the app adds. */
export function boxUrlRules(furtherOrigins: readonly string[]): UrlRules {
  return {
    origins: new Set([
      BOX_API_URL,
      'https://upload.box.com',
      'https://upload.app.box.com',
      ...furtherOrigins,
    ]),
    // The regional hosts of upload_url and session_endpoints, such as upload-las.app.box.com.
    hosts: /^(?=[a-z0-9-]*upload)[a-z0-9-]+\.app\.box\.com$/,
    advice: {
      hint: 'Only the hosts of the API get a token, over https, and never the token endpoint. Add a proxy of your own with the option `origins`.',
      docs: 'https://developer.box.com/guides/authentication/tokens/access-tokens/',
    },
    exceptPaths: /\/oauth2\/(?:token|revoke)\/?$/,
  };
}

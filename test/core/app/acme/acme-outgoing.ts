import type { HeaderScheme } from '../../../../lib/core/http/outgoing-policy.js';
import type { UrlRules } from '../../../../lib/core/http/url-rules.js';
import { refusesBearer } from '../../../../lib/core/http/www-authenticate.js';
import { acmeDocs } from './acme-docs.js';

/** A bearer token (RFC 6750 section 2.1). */
export const acmeHeaders: HeaderScheme = {
  tokenHeader: 'Authorization',
  formatToken: (value) => `Bearer ${value}`,
  refusesToken: refusesBearer,
};

export function acmeUrlRules(apiUrl: string): UrlRules {
  return {
    origins: new Set([apiUrl]),
    exceptPaths: /^\/oauth2\//,
    advice: { hint: 'Only Acme gets a token.', docs: acmeDocs },
  };
}

import type { HeaderScheme } from '../core/http/outgoing-policy.js';
import type { UrlRules } from '../core/http/url-rules.js';

import { workfrontDocs } from './workfront-docs.js';

/** Workfront's own header. It knows no acting users. */
export const workfrontHeaders: HeaderScheme = {
  tokenHeader: 'sessionID',
  formatToken: (value) => value,
  // It sends no challenge and documents no body: each 401 may be a session that has ended.
  refusesToken: ({ status }) => status === 401,
};

/** Sessions go to the customer's own Workfront and nowhere else. */
export function workfrontUrlRules(origin: string): UrlRules {
  return {
    origins: new Set([origin]),
    exceptPaths: /^\/integrations\/oauth2\//,
    advice: {
      hint: 'Only your own Workfront gets a session, over https, and never the exchange. Give the address that you call in `url`.',
      docs: workfrontDocs.api,
    },
  };
}

import type { HeaderScheme } from '../core/http/outgoing-policy.js';
import type { UrlRules } from '../core/http/url-rules.js';
import { workfrontDocs } from './workfront-docs.js';

/** Workfront sends sessions in its own header, and has no acting users. */
export const workfrontHeaders: HeaderScheme = {
  tokenHeader: 'sessionID',
  formatToken: (value) => value,
  // Workfront sends no challenge and documents no body, so any 401 may mean an ended session.
  refusesToken: ({ status }) => status === 401,
};

/** Sessions go only to the customer's own Workfront. */
export function workfrontUrlRules(origin: string): UrlRules {
  return {
    origins: new Set([origin]),
    exceptPaths: /^\/integrations\/oauth2\//,
    advice: {
      hint: 'Sessions go only to your own Workfront, over https, and never to its token endpoint. Set the option `url` to the address that you call.',
      docs: workfrontDocs.api,
    },
  };
}

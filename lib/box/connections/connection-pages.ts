import type { BoxAuthError } from '../../core/errors/box-auth.error.js';
import type { BoxAuthErrorCode } from '../../core/errors/error-codes.js';
import { escapeHtml } from './html.js';

/** The text of a page: the failure, and the next step for the person. */
interface PageText {
  readonly title: string;
  readonly text: string;
}

const CONNECT_AGAIN = 'Connect your Box account again.';

const TEXTS: Readonly<Partial<Record<BoxAuthErrorCode, PageText>>> = {
  owner_invalid: {
    title: 'You are not signed in',
    text: 'Sign in to this app first. Then connect your Box account.',
  },
  state_invalid: {
    title: 'The Box account was not connected',
    text: `The sign-in to Box was begun in another browser, or by another person. ${CONNECT_AGAIN}`,
  },
  state_expired: {
    title: 'The sign-in to Box took too long',
    text: `It must be completed within ten minutes. ${CONNECT_AGAIN}`,
  },
  state_used: {
    title: 'This sign-in to Box is already complete',
    text: 'Return to the app. If your Box account is not connected, connect it again.',
  },
  consent_denied: {
    title: 'The Box account was not connected',
    text: 'You did not allow this app to use your Box account. You can connect it at any time.',
  },
  return_to_invalid: {
    title: 'The link is invalid',
    text: 'It leads to a page outside of this app. Return to the app, and connect your Box account there.',
  },
};

const TRANSIENT: PageText = {
  title: 'The Box account was not connected',
  text: 'Box or this app is temporarily unavailable. Try again in a few minutes.',
};

const OTHER: PageText = {
  title: 'The Box account was not connected',
  text: 'Try again. If that fails as well, ask the support of this app.',
};

/** Shown to a person who pressed the button of another site. */
export const FOREIGN_SITE: PageText = {
  title: 'The request came from another site',
  text: 'Nothing was changed. Return to the app, and disconnect your Box account there.',
};

/** The text for a failed sign-in. It contains nothing of the request and nothing of the error. */
export function textFor({ code, retryable }: BoxAuthError): PageText {
  return retryable ? TRANSIENT : (TEXTS[code] ?? OTHER);
}

/** No script, no other resource, and no page that embeds it. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
} as const;

/** A page with a link to the path that connects an account. */
export function renderPage({ title, text }: PageText, connectUrl: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>body { font: 1rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 4rem auto; padding: 0 1rem }</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(text)}</p>
<p><a href="${escapeHtml(connectUrl)}">Connect a Box account</a></p>
</body>
</html>
`;
}

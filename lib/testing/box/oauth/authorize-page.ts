import { createHash } from 'node:crypto';
import { escapeHtml } from '../../../box/connections/html.js';
import type { HttpAnswer } from '../../http/http-response.js';

/** A user who can sign in. */
export interface ListedUser {
  readonly id: string;
  readonly name: string;
  readonly login: string;
  readonly enterpriseName: string;
}

const STYLE = `
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; background: #f4f6f8; color: #1b1f23; }
main { max-width: 34rem; margin: 3rem auto; padding: 1.5rem 2rem; background: #fff; border: 1px solid #c8ced4; border-radius: 8px; }
h1 { font-size: 1.4rem; margin-top: 0; }
fieldset { border: 1px solid #c8ced4; border-radius: 6px; margin: 1rem 0; }
label { display: block; padding: 0.3rem 0; }
button { font: inherit; padding: 0.5rem 1rem; margin-right: 0.5rem; border: 1px solid #0061d5; border-radius: 6px; background: #fff; color: #0061d5; }
button[value='grant'] { background: #0061d5; color: #fff; }
:focus-visible { outline: 3px solid #f5a623; outline-offset: 2px; }
.note { color: #57606a; font-size: 0.875rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
`;
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** The page where a user grants or denies access. Its form is sent to the same address, with its query. */
export function consentPage(context: {
  readonly clientId: string;
  readonly users: readonly ListedUser[];
  readonly selectedId: string | undefined;
  readonly scopes: readonly string[] | undefined;
}): HttpAnswer {
  const { clientId, users, selectedId, scopes } = context;
  const choices = users.map(({ id, name, login, enterpriseName }) => {
    const checked = id === selectedId ? ' checked' : '';
    const text = escapeHtml(`${name} (${login}), ${enterpriseName}`);
    return `<label><input type="radio" name="user_id" value="${escapeHtml(id)}" required${checked}> ${text}</label>`;
  });
  const access =
    scopes === undefined
      ? 'all files and folders of the user'
      : `these scopes: ${escapeHtml(scopes.join(', '))}`;
  return page(
    200,
    'Grant access to Box',
    `<p>The app <strong>Emulated OAuth App</strong> (client id <code>${escapeHtml(clientId)}</code>) requests access to ${access}.</p>
<form method="post">
<fieldset>
<legend>Sign in as</legend>
${choices.join('\n') || '<p>The emulator has no user who can sign in.</p>'}
</fieldset>
<button name="decision" value="grant">Grant access to Box</button>
<button name="decision" value="deny" formnovalidate>Deny access to Box</button>
</form>`,
  );
}

/** The page that Box shows if it cannot redirect. It lists the parameters, as Box does under "Show Error Details". */
export function errorPage(error: string, query: URLSearchParams, status = 400): HttpAnswer {
  const details = [...query].map(([name, value]) => escapeHtml(`${name}=${value}`)).join('\n');
  return page(
    status,
    'There seems to be a problem with this app.',
    `<p>Error: <strong>${escapeHtml(error)}</strong></p>
<details open><summary>Error details</summary><pre>${details}</pre></details>`,
  );
}

function page(status: number, title: string, content: string): HttpAnswer {
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      // No form-action: browsers apply it to the redirect after the form, too.
      'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'`,
    },
    body: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} – Box emulator</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${content}
<p class="note">This is an emulator of Box, for tests and experiments.</p>
</main>
</body>
</html>
`,
  };
}

import { boxVariables } from '../box/box-variables.js';

const HEADING =
  '# Box: set BOX_CONFIG_FILE, or BOX_CONFIG, or BOX_CLIENT_ID and its group, or BOX_APP_TOKEN.';

/** Adds the names of the Box variables that a `.env.example` lacks, without values. `text` is undefined if there is no file. */
export function withBoxVariables(text = ''): string {
  const missing = Object.entries(boxVariables).filter(([name]) => !hasVariable(text, name));
  if (missing.length === 0) return text;
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = missing.flatMap(([name, value]) => [`# ${value}`, `${name}=`]);
  const before = text === '' || text.endsWith('\n') ? text : `${text}${newline}`;
  const space = before === '' ? '' : newline;
  return `${before}${space}${[HEADING, ...lines, ''].join(newline)}`;
}

/** Whether a file sets the variable, also in a comment. */
function hasVariable(text: string, name: string): boolean {
  return new RegExp(`^[ \\t]*#?[ \\t]*(?:export[ \\t]+)?${name}[ \\t]*=`, 'm').test(text);
}

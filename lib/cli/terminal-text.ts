import { styleText } from 'node:util';
import { withoutSecrets } from '../core/errors/redact.js';
import type { Output, Variables } from './cli-context.js';

const MAX_LENGTH = 200;

/** Makes foreign text safe for a terminal: one line, no control characters, none of `secrets`. */
export function printable(text: string, secrets: readonly string[] = []): string {
  // Bidirectional marks too: they can make a name look like another one.
  const shown = withoutSecrets(text, secrets)
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
    .trim();
  return shown.length > MAX_LENGTH ? `${shown.slice(0, MAX_LENGTH)}…` : shown;
}

/** Shortens an id: enough to recognize it, too little to leak a secret that was entered instead of it. */
export function abbreviated(id: string): string {
  return `${printable(id.slice(0, 4))}… (${id.length} characters)`;
}

/** Formats a duration: `5 min 2 s`. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000);
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const;
  const shown = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`);
  return shown.length === 0 ? '0 s' : shown.join(' ');
}

type Style = Parameters<typeof styleText>[0];

/** Adds a style to text, or returns the text unchanged. */
export type Paint = (style: Style, text: string) => string;

/**
 * Returns the styling for `output`: colours on a terminal only, unless the environment overrides it (https://no-color.org,
 * https://force-color.org). It does not rely on `styleText`, whose checks differ between Node versions.
 */
export function paintFor(output: Output, env: Variables): Paint {
  return hasColours(output, env)
    ? (style, text) => styleText(style, text, { validateStream: false })
    : (_style, text) => text;
}

function hasColours(output: Output, { FORCE_COLOR, NO_COLOR, TERM }: Variables): boolean {
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  return output.isTTY === true && TERM !== 'dumb';
}

import { withoutSecrets } from '../core/errors/redact.js';
import { styleText } from 'node:util';
import type { Output, Variables } from './cli-context.js';

const LONGEST = 200;

/** Text of somebody else's making, as it may stand on a terminal: one line, no control characters, none of `secrets`. */
export function printable(text: string, secrets: readonly string[] = []): string {
  // Bidirectional marks, too: they show a name as another one.
  const shown = withoutSecrets(text, secrets)
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
    .trim();
  return shown.length > LONGEST ? `${shown.slice(0, LONGEST)}…` : shown;
}

/** Enough of an id to know it again, too little to be of use: somebody may have put the secret in its place. */
export function abbreviated(id: string): string {
  return `${printable(id.slice(0, 4))}… (${id.length} characters)`;
}

/** A span of time, for people: `5 min 2 s`. */
export function spanOf(ms: number): string {
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

/** Puts a colour on text, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

/**
 * Colours for `output`: on a terminal only, unless the environment says otherwise (https://no-color.org,
 * https://force-color.org). Judged here, as `styleText` looks at `process` in one version of Node and at nothing in another.
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

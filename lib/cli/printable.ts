import { withoutSecrets } from '../core/errors/redact.js';

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

import { styleText } from 'node:util';
import type { Output, Variables } from './cli-context.js';

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

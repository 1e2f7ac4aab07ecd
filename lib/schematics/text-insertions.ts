/** A text to insert into a source text. */
export interface Insertion {
  readonly at: number;
  readonly text: string;
}

/** Inserts texts, those at the same place in the given order. Everything else stays unchanged. */
export function insertAll(text: string, insertions: readonly Insertion[]): string {
  const sorted = insertions.toSorted((a, b) => a.at - b.at);
  const parts = sorted.map(({ at, text: inserted }, index) => {
    const from = sorted[index - 1]?.at ?? 0;
    return text.slice(from, at) + inserted;
  });
  return parts.join('') + text.slice(sorted.at(-1)?.at ?? 0);
}

export function newlineOf(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

/** The white space at the beginning of a line. */
export function indentationAt(text: string, position: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, position)))?.[0] ?? '';
}

/** Whether only white space precedes a position in its line. */
export function isFirstInLine(text: string, position: number): boolean {
  return text.slice(lineStart(text, position), position).trim() === '';
}

function lineStart(text: string, position: number): number {
  return text.lastIndexOf('\n', position - 1) + 1;
}

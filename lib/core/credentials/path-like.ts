/** Whether `text` may be shown as a path: a secret in the wrong place is not. JSON, base64, tokens and keys are told apart. */
export function looksLikePath(text: string): boolean {
  return (
    text.length <= 255 &&
    /^[^\n{}"]+$/.test(text) &&
    (/^(?:~|\.{1,2}|[a-z]:)?[\\/]/i.test(text) || /\.[a-z]\w{0,7}$/i.test(text))
  );
}

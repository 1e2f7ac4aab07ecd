/**
 * Decodes UTF-8, or UTF-16 as PowerShell writes it, with or without a byte order mark. Without a mark, a zero byte next to the
 * first character reveals UTF-16, as JSON, base64 and PEM begin with ASCII.
 */
export function decodedText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const isBigEndian = (first === 0xfe && second === 0xff) || (first === 0 && second !== 0);
  const isLittleEndian = (first === 0xff && second === 0xfe) || (first !== 0 && second === 0);
  const encoding = isBigEndian ? 'utf-16be' : isLittleEndian ? 'utf-16le' : 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}

/** Decodes base64 or base64url of text; undefined for anything else, such as PEM in one line. */
export function textOfBase64(text: string): string | undefined {
  const base64 = withNewlines(text);
  return /^[\w+/=\s-]{4,}$/.test(base64) && !base64.includes('-----BEGIN ')
    ? decodedText(Buffer.from(base64, 'base64'))
    : undefined;
}

/** Replaces `\n` and `\r` by line breaks: environment variables often have them escaped, even several times. */
export function withNewlines(text: string): string {
  // A match begins with the first backslash of a run. Without that, a long run would take quadratic time.
  return text.replace(/(?<!\\)\\+n/g, '\n').replace(/(?<!\\)\\+r/g, '');
}

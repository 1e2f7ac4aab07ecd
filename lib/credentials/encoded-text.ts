/**
 * Decodes UTF-8, or UTF-16 as PowerShell writes it, with or without a byte order mark. Without one, UTF-16 shows by the zero
 * byte beside its first character: JSON, base64 and PEM begin with ASCII.
 */
export function decodedText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const isBigEndian = (first === 0xfe && second === 0xff) || (first === 0 && second !== 0);
  const isLittleEndian = (first === 0xff && second === 0xfe) || (first !== 0 && second === 0);
  const encoding = isBigEndian ? 'utf-16be' : isLittleEndian ? 'utf-16le' : 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}

/** Whether `text` has nothing but the characters of base64 or base64url, and white space. PEM of one line has no others. */
export function isBase64(text: string): boolean {
  return /^[\w+/=\s-]{4,}$/.test(text) && !text.includes('-----BEGIN ');
}

/** Decodes base64 or base64url of text. */
export function textOfBase64(base64: string): string {
  return decodedText(Buffer.from(base64, 'base64'));
}

/** A DER element (X.690 section 8.1): its tag and content. */
export interface DerElement {
  readonly tag: number;
  readonly content: Buffer;
}

export const DER_SEQUENCE = 0x30;
export const DER_INTEGER = 0x02;
const DER_OBJECT_IDENTIFIER = 0x06;

/** Returns the consecutive elements in `der`, up to the first incomplete one. */
export function readDer(der: Buffer): readonly DerElement[] {
  const elements: DerElement[] = [];
  let rest = der;
  for (let next = firstOf(rest); next !== undefined; next = firstOf(rest)) {
    elements.push(next.element);
    rest = rest.subarray(next.bytes);
  }
  return elements;
}

/** Returns the elements of a sequence; none for any other element. */
export function sequenceIn(element: DerElement | undefined): readonly DerElement[] {
  return element?.tag === DER_SEQUENCE ? readDer(element.content) : [];
}

/** Returns an object identifier in dot notation (X.690 section 8.19). */
export function objectIdentifierIn(element: DerElement | undefined): string | undefined {
  if (element?.tag !== DER_OBJECT_IDENTIFIER) return undefined;
  const [first = 0, ...arcs] = base128(element.content);
  const root = Math.min(Math.floor(first / 40), 2);
  return [root, first - root * 40, ...arcs].join('.');
}

/** Returns a positive integer of at most 6 bytes. */
export function integerIn(element: DerElement | undefined): number | undefined {
  return element?.tag === DER_INTEGER && element.content.length <= 6 && element.content.length > 0
    ? element.content.readUIntBE(0, element.content.length)
    : undefined;
}

function firstOf(der: Buffer): { element: DerElement; bytes: number } | undefined {
  const [tag, short] = der;
  if (tag === undefined || short === undefined) return undefined;
  // Section 8.1.3.5: the long form starts with the number of length bytes.
  const lengthBytes = short < 0x80 ? 0 : short & 0x7f;
  if (lengthBytes > 4 || der.length < 2 + lengthBytes) return undefined;
  const length = lengthBytes === 0 ? short : der.readUIntBE(2, lengthBytes);
  const start = 2 + lengthBytes;
  const content = der.subarray(start, start + length);
  return content.length === length
    ? { element: { tag, content }, bytes: start + length }
    : undefined;
}

function base128(bytes: Buffer): number[] {
  const numbers: number[] = [];
  let number = 0;
  for (const byte of bytes) {
    number = number * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      numbers.push(number);
      number = 0;
    }
  }
  return numbers;
}

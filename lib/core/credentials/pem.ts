import { textOfBase64, withNewlines } from './encoded-text.js';

/** A PEM block (RFC 7468) without its white space. */
export interface PemBlock {
  /** The label of the BEGIN line. */
  readonly label: string;
  /** The label of the END line; undefined without an END line. */
  readonly endLabel: string | undefined;
  /** Cipher and initialization vector of a traditional encrypted key (RFC 1421 section 4.6.1.3). */
  readonly dekInfo: string | undefined;
  /** The content in base64. */
  readonly body: string;
}

/** The first private key in `text`, or else its first block. A certificate or a public key may precede the private key. */
export function privateKeyBlock(text: string): PemBlock | undefined {
  const blocks = pemBlocks(text);
  return blocks.find(({ label }) => label.endsWith('PRIVATE KEY')) ?? blocks[0];
}

/** Formats a block as OpenSSL expects it. */
export function pemOf({ label, dekInfo, body }: PemBlock): string {
  const headers =
    dekInfo === undefined ? [] : ['Proc-Type: 4,ENCRYPTED', `DEK-Info: ${dekInfo}`, ''];
  const lines = body.match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...headers, ...lines, `-----END ${label}-----`, ''].join(
    '\n',
  );
}

/**
 * Finds all blocks. An environment variable may have turned their line breaks into literal `\n`, spaces or nothing:
 * https://github.com/box/box-node-sdk/issues/259, https://github.com/box/box-node-sdk/issues/409. Quotes around the text and
 * base64 of the whole are accepted, too.
 */
function pemBlocks(text: string): readonly PemBlock[] {
  // The text before the first marker, then for each marker its kind, its label and the text after it.
  const parts = textOfPem(text).split(/-----(BEGIN|END) ([A-Z0-9 ]{1,40})-----/);
  const blocks: PemBlock[] = [];
  for (let index = 1; index < parts.length; index += 3) {
    const [kind, label = '', content = '', nextKind, nextLabel] = parts.slice(index, index + 5);
    if (kind !== 'BEGIN') continue;
    blocks.push({
      label,
      endLabel: nextKind === 'END' ? nextLabel : undefined,
      ...partsOf(content),
    });
  }
  return blocks;
}

function textOfPem(text: string): string {
  const decoded = textOfBase64(text);
  return decoded === undefined ? withNewlines(text) : textOfPem(decoded);
}

/** The initialization vector has 8 or 16 bytes. Without line breaks, only its length separates it from the base64. */
function partsOf(content: string): Pick<PemBlock, 'dekInfo' | 'body'> {
  const [headers = '', cipher, iv] =
    /^\s*Proc-Type:\s*4,\s*ENCRYPTED\s*DEK-Info:\s*([A-Z0-9-]{1,30}),\s*([0-9A-F]{32}|[0-9A-F]{16})/.exec(
      content,
    ) ?? [];
  return {
    dekInfo: cipher === undefined ? undefined : `${cipher},${iv}`,
    body: content.slice(headers.length).replace(/\s+/g, ''),
  };
}

import { type JsonObject, parseJsonObject } from './http-response.js';

/** The decoded parts of a compact JWT, not verified. */
export interface Jwt {
  readonly header: JsonObject;
  readonly claims: JsonObject;
  /** The bytes that are signed. */
  readonly signingInput: string;
  /** Undefined if the signature is missing or not base64url. */
  readonly signature: Buffer | undefined;
}

export function readJwt(text: string): Jwt | undefined {
  const parts = text.split('.');
  const [encodedHeader = '', encodedClaims = '', encodedSignature = ''] = parts;
  const header = decodeJsonPart(encodedHeader);
  const claims = decodeJsonPart(encodedClaims);
  if (parts.length !== 3 || !header || !claims) return undefined;
  const signingInput = `${encodedHeader}.${encodedClaims}`;
  return { header, claims, signingInput, signature: decodePart(encodedSignature) };
}

/** Decodes the claims of a JWT without verifying it. */
export function decodeClaims(jwt: string): JsonObject | undefined {
  const parts = jwt.split('.');
  return parts.length === 3 ? decodeJsonPart(parts[1] ?? '') : undefined;
}

function decodeJsonPart(part: string): JsonObject | undefined {
  const bytes = decodePart(part);
  return bytes && parseJsonObject(bytes.toString('utf8'));
}

/** Rejects any other encoding of the same bytes: Node skips characters that are not base64url. */
function decodePart(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url');
  return part !== '' && bytes.toString('base64url') === part ? bytes : undefined;
}

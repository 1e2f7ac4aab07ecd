import { type JsonObject, parseJsonObject } from './http-response.js';

/** A JWT in its compact form, taken apart but not verified. */
export interface Jwt {
  readonly header: JsonObject;
  readonly claims: JsonObject;
  /** What the signature is over. */
  readonly signingInput: string;
  /** Undefined when there is none, or one that is no base64url. */
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

/** The claims of a JWT that nobody has verified. */
export function decodeClaims(jwt: string): JsonObject | undefined {
  const parts = jwt.split('.');
  return parts.length === 3 ? decodeJsonPart(parts[1] ?? '') : undefined;
}

function decodeJsonPart(part: string): JsonObject | undefined {
  const bytes = decodePart(part);
  return bytes && parseJsonObject(bytes.toString('utf8'));
}

/** Node skips what is not base64url; a second spelling of the same bytes would pass for the first. */
function decodePart(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url');
  return part !== '' && bytes.toString('base64url') === part ? bytes : undefined;
}

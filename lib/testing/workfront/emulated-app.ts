import { generateKeyPair, type KeyObject, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { readRsaPublicKey } from '../http/rsa-keys.js';

/** What the page of a custom OAuth2 application shows, and the key that belongs to it. */
export interface WorkfrontCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
  /** The `iss` of its JWTs. */
  readonly customerId: string;
  /** The user who made the public key; the `sub` of its JWTs. */
  readonly userId: string;
  /** PEM, PKCS#8, unencrypted. */
  readonly privateKey: string;
}

const generateKeyPairAsync = promisify(generateKeyPair);

/** What Workfront knows of a custom OAuth2 application with the JWT flow. */
export class WorkfrontApplication {
  readonly credentials: WorkfrontCredentials;
  readonly #publicKeys = new Map<string, KeyObject>();

  /** What is not given is made anew. */
  static async create(given: Partial<WorkfrontCredentials>): Promise<WorkfrontApplication> {
    return new WorkfrontApplication({
      clientId: given.clientId ?? newWorkfrontId(),
      clientSecret: given.clientSecret ?? newWorkfrontId(),
      customerId: given.customerId ?? newWorkfrontId(),
      userId: given.userId ?? newWorkfrontId(),
      privateKey: given.privateKey ?? (await newPrivateKey()),
    });
  }

  private constructor(credentials: WorkfrontCredentials) {
    this.credentials = credentials;
    this.registerPublicKey(credentials.privateKey);
  }

  get publicKeys(): Iterable<KeyObject> {
    return this.#publicKeys.values();
  }

  isClient(clientId: string, clientSecret: string): boolean {
    const { credentials } = this;
    return clientId === credentials.clientId && clientSecret === credentials.clientSecret;
  }

  registerPublicKey(publicKey: string | KeyObject): void {
    const key = readRsaPublicKey(publicKey);
    this.#publicKeys.set(nameOf(key), key);
  }

  removePublicKey(publicKey: string | KeyObject): void {
    this.#publicKeys.delete(nameOf(readRsaPublicKey(publicKey)));
  }
}

/** Workfront's ids are 32 hexadecimal digits. */
export function newWorkfrontId(): string {
  return randomBytes(16).toString('hex');
}

/** Keys have no id here, so that a key is known by itself. */
function nameOf(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'der' }).toString('base64');
}

/** As `openssl req -x509 -nodes -newkey rsa:2048` makes it. */
async function newPrivateKey(): Promise<string> {
  const { privateKey } = await generateKeyPairAsync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return privateKey;
}

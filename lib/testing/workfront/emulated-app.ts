import { type KeyObject, randomBytes } from 'node:crypto';
import { newRsaPrivateKey, readRsaPublicKey, toPem } from '../http/rsa-keys.js';

/** The values on the page of a custom OAuth2 application, and its private key. */
export interface WorkfrontCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
  /** The `iss` of JWTs. */
  readonly customerId: string;
  /** The user who added the public key; the `sub` of JWTs. */
  readonly userId: string;
  /** PEM, PKCS#8, unencrypted. */
  readonly privateKey: string;
}

/** A custom OAuth2 application with the JWT flow, as Workfront knows it. */
export class WorkfrontApplication {
  readonly credentials: WorkfrontCredentials;
  readonly #publicKeys = new Map<string, KeyObject>();

  /** Generates the credentials that `given` lacks. */
  static async create(given: Partial<WorkfrontCredentials>): Promise<WorkfrontApplication> {
    return new WorkfrontApplication({
      clientId: given.clientId ?? newWorkfrontId(),
      clientSecret: given.clientSecret ?? newWorkfrontId(),
      customerId: given.customerId ?? newWorkfrontId(),
      userId: given.userId ?? newWorkfrontId(),
      privateKey: given.privateKey ?? toPem(await newRsaPrivateKey()),
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

/** Returns a new id: Workfront's are 32 hexadecimal digits. */
export function newWorkfrontId(): string {
  return randomBytes(16).toString('hex');
}

/** Workfront's keys have no id, so a key is its own name. */
function nameOf(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'der' }).toString('base64');
}

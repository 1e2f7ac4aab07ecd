import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  randomInt,
  randomUUID,
} from 'node:crypto';
import type { BoxConfigJson } from '../../box/credentials/box-credentials.js';
import { isBoxId } from '../../box/credentials/box-id.js';
import { newRsaPrivateKey, readRsaPublicKey } from '../http/rsa-keys.js';

/** A user of the emulated enterprise. */
export interface EmulatedUser {
  /** A Box id: 1 to 20 digits. */
  readonly id: string;
  readonly name: string;
  /** An e-mail address. */
  readonly login: string;
}

/** The complete `config.json` of an app with a key pair, as Box's developer console generates it. */
export interface EmulatedConfig extends BoxConfigJson {
  readonly boxAppSettings: BoxConfigJson['boxAppSettings'] & {
    readonly appAuth: {
      readonly publicKeyID: string;
      /** PEM, PKCS#8, encrypted with `passphrase`. */
      readonly privateKey: string;
      readonly passphrase: string;
    };
  };
  readonly enterpriseID: string;
}

/** Returns a user in Box's JSON. */
export function describeUser({ id, name, login }: EmulatedUser): Readonly<Record<string, unknown>> {
  return { type: 'user', id, name, login };
}

/** The app, its enterprise and the enterprise's users, as Box knows them. */
export class EmulatedApp {
  readonly config: EmulatedConfig;
  readonly serviceAccount: EmulatedUser;
  readonly publicKeys = new Map<string, KeyObject>();
  readonly users = new Map<string, EmulatedUser>();
  authorized = true;
  userTokensEnabled = true;
  asUserEnabled = true;

  /** Uses the app of `config`, or a new one. */
  static async create(config?: EmulatedConfig): Promise<EmulatedApp> {
    return new EmulatedApp(config ?? (await newConfig()));
  }

  private constructor(config: EmulatedConfig) {
    this.config = config;
    const { publicKeyID, privateKey: key, passphrase } = config.boxAppSettings.appAuth;
    this.publicKeys.set(publicKeyID, createPublicKey(createPrivateKey({ key, passphrase })));
    this.serviceAccount = {
      id: String(randomInt(10_000_000_000, 99_999_999_999)),
      name: 'Emulated App',
      login: `AutomationUser_${randomInt(1_000_000)}_${lowerCaseAlphanumerics(10)}@boxdevedition.com`,
    };
    this.addUser(this.serviceAccount);
  }

  get clientId(): string {
    return this.config.boxAppSettings.clientID;
  }

  get enterpriseId(): string {
    return this.config.enterpriseID;
  }

  isClient(clientId: string | undefined, clientSecret: string | undefined): boolean {
    return clientId === this.clientId && clientSecret === this.config.boxAppSettings.clientSecret;
  }

  registerPublicKey(publicKeyId: string, publicKey: string | KeyObject): void {
    this.publicKeys.set(publicKeyId, readRsaPublicKey(publicKey));
  }

  addUser(user: EmulatedUser): void {
    if (!isBoxId(user.id))
      throw new TypeError(
        `Invalid user id: expected 1 to 20 digits that do not start with 0, received ${JSON.stringify(user.id)}`,
      );
    if (this.users.has(user.id))
      throw new TypeError(`A user with the id ${user.id} exists already`);
    this.users.set(user.id, { ...user });
  }
}

async function newConfig(): Promise<EmulatedConfig> {
  const passphrase = randomBytes(16).toString('hex');
  const privateKey = await newRsaPrivateKey(passphrase);
  return {
    boxAppSettings: {
      clientID: lowerCaseAlphanumerics(32),
      clientSecret: lowerCaseAlphanumerics(32),
      appAuth: { publicKeyID: lowerCaseAlphanumerics(8), privateKey, passphrase },
    },
    enterpriseID: String(randomInt(100_000_000, 999_999_999)),
  };
}

function lowerCaseAlphanumerics(length: number): string {
  let text = '';
  while (text.length < length) text += randomUUID().replaceAll('-', '');
  return text.slice(0, length);
}

import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  randomInt,
  randomUUID,
} from 'node:crypto';
import type { BoxConfigJson } from '../../box/credentials/box-credentials.js';
import type { EmulatorClock } from '../http/emulator-clock.js';
import { newRsaPrivateKey, readRsaPublicKey, toPem } from '../http/rsa-keys.js';
import { EmulatedEnterprises } from './enterprise/emulated-enterprises.js';
import { EmulatedUsers } from './enterprise/emulated-users.js';

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

/** The app, and the enterprises with their users, as Box knows them. */
export class EmulatedApp {
  readonly config: EmulatedConfig;
  readonly publicKeys = new Map<string, KeyObject>();
  readonly users: EmulatedUsers;
  readonly enterprises: EmulatedEnterprises;
  userTokensEnabled = true;
  asUserEnabled = true;
  readonly #serviceId = randomInt(1_000_000);

  /** Uses the app of `config`, or a new one. */
  static async create(clock: EmulatorClock, config?: EmulatedConfig): Promise<EmulatedApp> {
    return new EmulatedApp(clock, config ?? (await newConfig()));
  }

  private constructor(clock: EmulatorClock, config: EmulatedConfig) {
    this.config = config;
    this.users = new EmulatedUsers(clock);
    this.enterprises = new EmulatedEnterprises(this.users, () =>
      this.newAccountLogin('AutomationUser'),
    );
    const { publicKeyID, privateKey: key, passphrase } = config.boxAppSettings.appAuth;
    this.publicKeys.set(publicKeyID, createPublicKey(createPrivateKey({ key, passphrase })));
  }

  get clientId(): string {
    return this.config.boxAppSettings.clientID;
  }

  /** The id of the enterprise in `config.json`. */
  get enterpriseId(): string {
    return this.config.enterpriseID;
  }

  isClient(clientId: string | undefined, clientSecret: string | undefined): boolean {
    return clientId === this.clientId && clientSecret === this.config.boxAppSettings.clientSecret;
  }

  registerPublicKey(publicKeyId: string, publicKey: string | KeyObject): void {
    this.publicKeys.set(publicKeyId, readRsaPublicKey(publicKey));
  }

  /** A new login of an account that only apps use. */
  newAccountLogin(prefix: 'AppUser' | 'AutomationUser'): string {
    return `${prefix}_${this.#serviceId}_${lowerCaseAlphanumerics(10)}@boxdevedition.com`;
  }
}

/**
 * All new apps of a process have the same key pair, so that each test can start an emulator without waiting for a key. Their
 * client ids differ: no emulator accepts the JWT of another app.
 */
let keyOfApps: Promise<KeyObject> | undefined;

async function newConfig(): Promise<EmulatedConfig> {
  const passphrase = randomBytes(16).toString('hex');
  keyOfApps ??= newRsaPrivateKey();
  const privateKey = toPem(await keyOfApps, passphrase);
  return {
    boxAppSettings: {
      clientID: lowerCaseAlphanumerics(32),
      clientSecret: lowerCaseAlphanumerics(32),
      appAuth: { publicKeyID: lowerCaseAlphanumerics(8), privateKey, passphrase },
    },
    enterpriseID: String(randomInt(100_000_000, 999_999_999)),
  };
}

export function lowerCaseAlphanumerics(length: number): string {
  let text = '';
  while (text.length < length) text += randomUUID().replaceAll('-', '');
  return text.slice(0, length);
}

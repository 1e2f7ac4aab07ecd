import type { KeyObject } from 'node:crypto';
import type { FaultTarget } from '../http/faults.js';
import { LoopbackEmulator } from '../http/loopback-emulator.js';
import type { EmulatedFile, EmulatedFolder, NewFile, NewItem } from './drive/drive-items.js';
import type { EmulatedConfig } from './emulated-app.js';
import type { EmulatorParts } from './emulator-assembly.js';
import type { EmulatedEnterprise } from './enterprise/emulated-enterprises.js';
import type { EmulatedUser } from './enterprise/emulated-users.js';
import { addEnterprise, addUser } from './enterprise/sample-accounts.js';

/** The settings of the app, the enterprises, their users and their content. */
export abstract class BoxEmulatorState extends LoopbackEmulator<FaultTarget> {
  readonly #parts: EmulatorParts;

  /** @internal */
  protected constructor(parts: EmulatorParts) {
    super(parts);
    this.#parts = parts;
  }

  /** The `config.json` of the app, as Box's developer console would generate it. */
  get config(): EmulatedConfig {
    return this.#parts.app.config;
  }

  /** The user id of the app's service account, which a token of the enterprise in `config` acts as. */
  get serviceAccountId(): string {
    return this.serviceAccountIdOf(this.config.enterpriseID);
  }

  /**
   * The user id of the app's service account in an enterprise.
   *
   * @throws TypeError for an unknown enterprise
   */
  serviceAccountIdOf(enterpriseId: string): string {
    return this.#parts.app.enterprises.get(enterpriseId).serviceAccountId;
  }

  /**
   * Whether the admin of the enterprise in `config` has authorized the app. Default true. Setting it calls `authorize` or
   * `deauthorize`.
   */
  get authorized(): boolean {
    return this.#parts.app.enterprises.get(this.config.enterpriseID).authorized;
  }
  set authorized(value: boolean) {
    if (value) this.authorize(this.config.enterpriseID);
    else this.deauthorize(this.config.enterpriseID);
  }

  /**
   * Authorizes the app in an enterprise, as its admin does. It then needs new tokens there.
   *
   * @throws TypeError for an unknown enterprise
   */
  authorize(enterpriseId: string): void {
    this.#parts.app.enterprises.get(enterpriseId).authorized = true;
  }

  /**
   * Withdraws the authorization of the app in an enterprise. The API responds with 401 to its tokens from now on. Assertions
   * get Box's `unauthorized_client`, and client credentials get its generic `invalid_grant`.
   *
   * @throws TypeError for an unknown enterprise
   */
  deauthorize(enterpriseId: string): void {
    const { app, ledger } = this.#parts;
    app.enterprises.get(enterpriseId).authorized = false;
    ledger.revokeAll(
      ({ connectionId, subject }) =>
        connectionId === undefined &&
        app.enterprises.accountOf(subject)?.enterpriseId === enterpriseId,
    );
  }

  /** Whether the app may request user tokens. Default true. */
  get userTokensEnabled(): boolean {
    return this.#parts.app.userTokensEnabled;
  }
  set userTokensEnabled(value: boolean) {
    this.#parts.app.userTokensEnabled = value;
  }

  /** Whether the app may send `as-user`. Default true. */
  get asUserEnabled(): boolean {
    return this.#parts.app.asUserEnabled;
  }
  set asUserEnabled(value: boolean) {
    this.#parts.app.asUserEnabled = value;
  }

  /**
   * Registers a public key of the app, or replaces the key with that id.
   *
   * @throws TypeError unless the key is RSA
   *
   * @example
   * ```ts
   * import { type BoxEmulator } from 'nestjs-box-auth/testing';
   *
   * declare const emulator: BoxEmulator;
   * declare const publicKeyPem: string;
   * emulator.registerPublicKey('newkey01', publicKeyPem);
   * emulator.removePublicKey(emulator.config.boxAppSettings.appAuth.publicKeyID);
   * ```
   */
  registerPublicKey(publicKeyId: string, publicKey: string | KeyObject): void {
    this.#parts.app.registerPublicKey(publicKeyId, publicKey);
  }

  /** Removes a public key: assertions signed with it are rejected from now on. */
  removePublicKey(publicKeyId: string): void {
    this.#parts.app.publicKeys.delete(publicKeyId);
  }

  /**
   * Adds an enterprise: the app has another service account there. Its users see neither the users nor the items of other
   * enterprises, except by shared links with the access `open`. The service account and each user get a folder and a file
   * of their own.
   *
   * @throws TypeError if an id is taken or not a Box id
   *
   * @example
   * ```ts
   * import { type BoxEmulator } from 'nestjs-box-auth/testing';
   *
   * declare const emulator: BoxEmulator;
   * emulator.addEnterprise({
   *   id: '7654321',
   *   name: 'Globex',
   *   users: [{ id: '33333', name: 'Carol', login: 'carol@globex.example' }],
   * });
   * emulator.deauthorize('7654321'); // other enterprises keep their tokens
   * ```
   */
  addEnterprise(enterprise: EmulatedEnterprise): void {
    addEnterprise(enterprise, this.#parts);
  }

  /**
   * Adds a user, with a folder and a file of their own; by default to the enterprise in `config`.
   *
   * @throws TypeError if the id is taken or not a Box id, or for an unknown enterprise
   */
  addUser(user: EmulatedUser, enterpriseId = this.config.enterpriseID): void {
    addUser(user, enterpriseId, this.#parts);
  }

  /** Adds a folder, as its owner does; by default to the root folder of the service account. */
  addFolder(folder: NewItem): EmulatedFolder {
    const added = this.#parts.drive.addFolder({ ownerId: this.serviceAccountId, ...folder });
    this.#parts.webhookEvents.reportNew(added, added.ownerId);
    return added;
  }

  /** Adds a file, as its owner does; by default to the root folder of the service account. */
  addFile(file: NewFile): EmulatedFile {
    const added = this.#parts.drive.addFile({ ownerId: this.serviceAccountId, ...file });
    this.#parts.webhookEvents.reportNew(added, added.ownerId);
    return added;
  }
}

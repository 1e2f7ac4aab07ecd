import { connectionsAppOf } from '../../box/connections/app-of-connections.js';
import { type BoxConnection, BoxConnections } from '../../box/connections/connections-api.js';
import { MemoryConnectionVault } from '../connection-vault/memory-connection-vault.js';
import { FakeClock } from './fake-clock.js';
import { codeFor, LIFETIME_S } from './fake-box-tokens.js';

const REDIRECT_URI = 'http://localhost/box/callback';
const BINDING = 'fake-browser';

/** The addresses of the app's routes, for apps that have other ones than the default. */
export interface FakeBoxRoutes {
  /** The address of the callback. Default `http://localhost/box/callback`. */
  readonly redirectUri?: string | undefined;
  /** The path that connects an account, for responses to people without a connection. Default `/box/connect`. */
  readonly connectUrl?: string | undefined;
}

/** The Box account that an owner connects. */
export interface FakeBoxAccount {
  /** The Box id of the user. */
  readonly userId: string;
  /** Which of several accounts of the owner. Default `''`. */
  readonly label?: string | undefined;
}

/** The connections of a fake Box, in a vault in memory. `send` responds to every request. */
export class FakeConnections {
  readonly #clock = new FakeClock();
  readonly #vault = new MemoryConnectionVault(this.#clock.runtime);
  #open: BoxConnections | undefined;

  constructor(
    private readonly send: typeof fetch,
    private readonly routes: FakeBoxRoutes,
  ) {}

  /** An app closes it on shutdown; this then returns a new one with the same connections. */
  get open(): BoxConnections {
    return (this.#open ??= this.#create());
  }

  /** Signs in and consents. */
  async connect(owner: string, { userId, label }: FakeBoxAccount): Promise<BoxConnection> {
    const begun = { owner, label, binding: BINDING };
    const { searchParams } = new URL(await this.open.authorizationUrl(begun));
    const query = { state: searchParams.get('state'), code: codeFor(userId) };
    return (await this.open.complete({ query, owner, binding: BINDING })).connection;
  }

  advanceClock(): void {
    this.#clock.advance();
  }

  /** Makes the next call of each connection refresh its token. */
  expireTokens(): void {
    this.#clock.advance(LIFETIME_S * 1_000);
  }

  clear(): void {
    this.#vault.clear();
    this.expireTokens();
  }

  #create(): BoxConnections {
    const { redirectUri = REDIRECT_URI, connectUrl = '/box/connect' } = this.routes;
    const created = new BoxConnections(
      {
        clientId: 'fake-client',
        clientSecret: 'fake',
        redirectUri,
        secret: 'the secret of a fake vault in memory',
        vault: this.#vault,
        fetch: this.send,
        tokenEndpoint: { attempts: 1 },
        renewal: { minBackoffMs: 0 },
        runtime: this.#clock.runtime,
      },
      { connectUrl },
    );
    const close = () => {
      this.#open = undefined;
    };
    connectionsAppOf(created)?.events.subscribe({ complete: close });
    return created;
  }
}

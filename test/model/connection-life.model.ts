import { BoxAuthError, type Runtime } from 'nestjs-box-auth';
import { ConnectionSource } from '../../lib/core/connections/connection-source.js';
import { reauthorizationRequired } from '../../lib/core/connections/connection-errors.js';
import type { ConnectionRecord } from '../../lib/core/connections/connection-record.js';
import type {
  ConnectionRow,
  ConnectionVault,
} from '../../lib/core/connections/connection-vault.js';
import { GuardedVault } from '../../lib/core/connections/guarded-vault.js';
import { SealedConnections } from '../../lib/core/connections/sealed-connections.js';
import { SecretSeal } from '../../lib/core/sealing/secret-seal.js';
import type { AccessToken } from '../../lib/core/token-endpoint/access-token.js';
import type { GrantedPair } from '../../lib/core/token-endpoint/grant.js';
import { renewalDefaults } from '../../lib/core/tokens/renewal.options.js';
import { MemoryConnectionVault } from '../../lib/testing/connection-vault/memory-connection-vault.js';
import { type FakeRuntime, settled } from '../support/fake-runtime.js';

const LIFETIME_MS = 3_600_000;
const KEY = { app: 'app', owner: 'ann', label: '' };

/** How a command of the database or a refresh ends, for the process that sent it. */
export const OUTCOMES = [
  'ok',
  'failsBefore',
  'failsAfter',
  'crashesBefore',
  'crashesAfter',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** A command that a process has sent and that is not executed yet. */
interface PendingCommand {
  readonly process: ModelProcess;
  readonly name: string;
  readonly execute: (outcome: Outcome) => void;
}

interface IssuedPair {
  readonly grant: number;
  readonly index: number;
  readonly accessToken: string;
  readonly refreshToken: string;
}

/**
 * Box. With the grace that its staff describes, refreshing again with the same refresh token gives the same pair, until the new
 * pair is used, which ends the old one. Without it, as documented, a refresh token works once.
 */
class ModelIssuer {
  readonly pairs: IssuedPair[] = [];
  #grants = 0;
  #active: IssuedPair;
  #next: IssuedPair | undefined;

  constructor(readonly hasGrace: boolean) {
    this.#active = this.#issue(0, 0);
  }

  consent(): IssuedPair {
    this.#active = this.#issue(++this.#grants, 0);
    this.#next = undefined;
    return this.#active;
  }

  get active(): IssuedPair {
    return this.#active;
  }

  refresh(refreshToken: string): IssuedPair {
    this.#use(({ refreshToken: token }) => token === refreshToken);
    if (refreshToken !== this.#active.refreshToken) throw reauthorizationRequired();
    this.#next ??= this.#issue(this.#active.grant, this.#active.index + 1);
    if (this.hasGrace) return this.#next;
    this.#active = this.#next;
    this.#next = undefined;
    return this.#active;
  }

  accepts(accessToken: string): boolean {
    this.#use(({ accessToken: token }) => token === accessToken);
    return accessToken === this.#active.accessToken;
  }

  #use(isUsed: (pair: IssuedPair) => boolean): void {
    if (this.#next === undefined || !isUsed(this.#next)) return;
    this.#active = this.#next;
    this.#next = undefined;
  }

  #issue(grant: number, index: number): IssuedPair {
    const name = `${grant}.${index}`;
    const pair = { grant, index, accessToken: `AT-${name}`, refreshToken: `RT-${name}` };
    this.pairs.push(pair);
    return pair;
  }
}

/** One process of the fleet. After a crash, none of its commands has an effect any more. */
class ModelProcess {
  isAlive = true;
  readonly source: ConnectionSource;
  /** Its current token, as the refresher would have it. */
  current: AccessToken | undefined;
  refused: AccessToken | undefined;
  readonly refusedTokens = new Map<string, number>();

  constructor(fleet: ModelFleet) {
    const runtime = fleet.runtimeFor(this);
    const vault = new GuardedVault(fleet.vaultFor(this), runtime);
    this.source = new ConnectionSource(KEY, {
      vault,
      connections: new SealedConnections(vault, fleet.seal),
      refresh: (refreshToken) => fleet.refreshFor(this, refreshToken),
      onRefresh: () => undefined,
      onEnd: () => (fleet.ends += 1),
      renewal: renewalDefaults,
      runtime,
    });
  }
}

/** Processes that share one connection through a vault. Each of their commands waits until the test executes it. */
export class ModelFleet {
  readonly seal = new SecretSeal('vault', ['a secret of the model, 0123456789abcdef']);
  readonly issuer: ModelIssuer;
  readonly pending: PendingCommand[] = [];
  readonly violations: string[] = [];
  ends = 0;
  #processes: ModelProcess[] = [];
  readonly #stored: MemoryConnectionVault;
  readonly #rows: SealedConnections;

  constructor(
    readonly runtime: FakeRuntime,
    processes: number,
    hasGrace: boolean,
  ) {
    this.issuer = new ModelIssuer(hasGrace);
    this.#stored = new MemoryConnectionVault(runtime);
    this.#rows = new SealedConnections(new GuardedVault(this.#watched(), runtime), this.seal);
    for (let count = 0; count < processes; count++) this.#processes.push(new ModelProcess(this));
  }

  async connect(): Promise<void> {
    await this.#rows.insert(KEY, 1, {
      record: this.#recordOf(this.issuer.active),
      status: 'active',
    });
  }

  /** The person connects again: the new pair replaces the row, whichever version it has. */
  async reconnect(): Promise<void> {
    const record = this.#recordOf(this.issuer.consent());
    for (;;) {
      const loaded = await this.#rows.load(KEY);
      if (loaded === undefined) return;
      if (await this.#rows.replace(KEY, loaded.row.version, { record, status: 'active' })) return;
    }
  }

  /** Encrypts the row again, which changes its version but not its tokens. */
  async rekey(): Promise<void> {
    const loaded = await this.#rows.load(KEY);
    if (loaded === undefined) return;
    const { row, record } = loaded;
    await this.#rows.replace(KEY, row.version, { record, status: row.status });
  }

  /** A caller of one process needs a token, and uses it. */
  call(index: number): void {
    const process = this.#processes[index % this.#processes.length];
    if (process?.isAlive === true) void this.#call(process);
  }

  restart(index: number): void {
    const at = index % this.#processes.length;
    const old = this.#processes[at];
    if (old !== undefined) old.isAlive = false;
    this.#processes[at] = new ModelProcess(this);
  }

  /** Executes a pending command. Without grace, the response to a refresh always arrives. */
  async execute(index: number, outcome: Outcome): Promise<void> {
    const [command] = this.pending.splice(index % Math.max(this.pending.length, 1), 1);
    const isLost =
      command?.name === 'refresh' && !this.issuer.hasGrace && outcome.endsWith('After');
    command?.execute(isLost ? 'ok' : outcome);
    await settled();
  }

  /** Executes everything that is pending, until nothing is left to do. */
  async drain(): Promise<void> {
    for (let round = 0; round < 500; round++) {
      await settled();
      if (this.pending.length > 0) await this.execute(0, 'ok');
      else if (this.runtime.timers > 0) await this.runtime.advance(1_000);
      else return;
    }
    throw new Error('The fleet does not come to rest.');
  }

  /** Whether a new process gets a token that the issuer accepts, with everything working again. */
  async isUsable(): Promise<boolean> {
    await this.drain();
    for (const process of this.#processes) {
      if (process.isAlive) void this.#call(process);
      await this.drain();
    }
    const process = new ModelProcess(this);
    for (let attempt = 0; attempt < 3; attempt++) {
      const result = this.#call(process);
      await this.drain();
      if (await result) return true;
    }
    return false;
  }

  async loadedRecord(): Promise<ConnectionRecord | undefined> {
    return (await this.#rows.load(KEY))?.record;
  }

  runtimeFor(process: ModelProcess): Runtime {
    const { now, monotonic, random, uniqueId } = this.runtime;
    const schedule: Runtime['schedule'] = (task, delayMs, options) =>
      options?.holdProcess === true
        ? () => undefined
        : this.runtime.schedule(() => {
            if (process.isAlive) task();
          }, delayMs);
    return { now, monotonic, random, uniqueId, schedule };
  }

  vaultFor(process: ModelProcess): ConnectionVault {
    return new Proxy(this.#watched(), {
      get: (vault, name) => {
        const method = Reflect.get(vault, name) as (...args: unknown[]) => Promise<unknown>;
        return (...args: unknown[]) =>
          this.#enqueue(process, String(name), () => method.apply(vault, args));
      },
    });
  }

  async refreshFor(process: ModelProcess, refreshToken: string): Promise<GrantedPair> {
    const requestedAt = { wall: this.runtime.now(), monotonic: this.runtime.monotonic() };
    const pair = await this.#enqueue(process, 'refresh', async () => {
      const known = process.refusedTokens.get(refreshToken) ?? 0;
      if (known > 0) this.violations.push(`${refreshToken} was sent again after its refusal`);
      try {
        return this.issuer.refresh(refreshToken);
      } catch (error) {
        process.refusedTokens.set(refreshToken, known + 1);
        throw error;
      }
    });
    const { accessToken } = pair;
    return {
      accessToken,
      refreshToken: pair.refreshToken,
      requestedAt,
      lifetimeMs: LIFETIME_MS,
      expiresAt: requestedAt.wall + LIFETIME_MS,
    };
  }

  /** Gets a token and uses it, as a call with one replay does. */
  async #call(process: ModelProcess): Promise<boolean> {
    const previous = { refused: process.refused, current: process.current };
    try {
      const { token } = await process.source.mint(undefined, previous);
      if (!process.isAlive) return false;
      await this.#checkWritten(token);
      const isAccepted = this.issuer.accepts(token.value);
      process.current = isAccepted ? token : undefined;
      process.refused = isAccepted ? undefined : token;
      return isAccepted;
    } catch (error) {
      if (!(error instanceof BoxAuthError)) this.violations.push(`raw error ${String(error)}`);
      return false;
    }
  }

  /** No access token may be used before its pair is in the vault: a crash would lose the pair. */
  async #checkWritten({ value }: AccessToken): Promise<void> {
    const stored = this.#pairOf((await this.loadedRecord())?.accessToken);
    const used = this.#pairOf(value);
    if (stored === undefined || used === undefined) return;
    if (isNewer(used, stored)) this.violations.push(`${value} is used before it is written`);
  }

  #pairOf(accessToken: string | undefined): IssuedPair | undefined {
    return this.issuer.pairs.find((pair) => pair.accessToken === accessToken);
  }

  /** The vault, which notices if an older pair replaces a newer one. */
  #watched(): ConnectionVault {
    const check = (row: ConnectionRow, expected: number) => this.#checkedReplace(row, expected);
    return new Proxy<ConnectionVault>(this.#stored, {
      get: (vault, name) => {
        if (name === 'replace') return check;
        const method = Reflect.get(vault, name) as (...args: unknown[]) => unknown;
        return method.bind(vault);
      },
    });
  }

  async #checkedReplace(row: ConnectionRow, expected: number): Promise<boolean> {
    const before = await this.#stored.load(KEY);
    const isReplaced = await this.#stored.replace(row, expected);
    if (isReplaced && before !== undefined) {
      const [old, written] = await Promise.all(
        [before, row].map(async (one) =>
          this.#pairOf((await this.#rows.open(one)).record.accessToken),
        ),
      );
      if (old !== undefined && written !== undefined && isNewer(old, written)) {
        this.violations.push(`${written.accessToken} overwrote ${old.accessToken}`);
      }
    }
    return isReplaced;
  }

  #enqueue<T>(process: ModelProcess, name: string, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const execute = (outcome: Outcome) => {
        if (!process.isAlive) return; // the connection of a dead process is closed before its command arrives
        if (outcome.startsWith('crashes')) process.isAlive = false;
        if (outcome.endsWith('Before')) {
          reject(lost());
          return;
        }
        work().then(
          (result) => {
            if (outcome === 'failsAfter') reject(lost());
            else if (process.isAlive) resolve(result);
          },
          (error: unknown) => reject(error),
        );
      };
      this.pending.push({ process, name, execute });
    });
  }

  #recordOf({ accessToken, refreshToken }: IssuedPair): ConnectionRecord {
    return {
      accessToken,
      refreshToken,
      obtainedAt: this.runtime.now(),
      expiresAt: this.runtime.now() + LIFETIME_MS,
      lifetimeMs: LIFETIME_MS,
      connectedAt: this.runtime.now(),
      person: { id: '11111', login: 'ann@example.com', name: 'Ann' },
    };
  }
}

function isNewer(one: IssuedPair, other: IssuedPair): boolean {
  return one.grant > other.grant || (one.grant === other.grant && one.index > other.index);
}

/** A network failure, as the token endpoint reports it. */
function lost(): BoxAuthError {
  return new BoxAuthError({
    code: 'network',
    message: 'The connection was reset.',
    hint: '',
    docs: '',
    retryable: true,
  });
}

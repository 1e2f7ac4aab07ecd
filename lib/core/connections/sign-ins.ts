import { BoxAuthError } from '../errors/box-auth.error.js';
import { redact } from '../errors/redact.js';
import { delay } from '../runtime/delay.js';
import type { Runtime } from '../runtime/runtime.js';
import { vaultUnavailable } from './connection-errors.js';
import { type ConnectionRecord, withPair } from './connection-record.js';
import type { ConnectionKey, ConnectionRow } from './connection-vault.js';
import type { GuardedVault } from './guarded-vault.js';
import type { OAuthClient } from './oauth-client.js';
import { checkedLabel, checkedOwner, checkedReturnTo, hashOfBinding } from './owner.js';
import type { LoadedConnection, SealedConnections } from './sealed-connections.js';
import { authorizationFailed, consentDenied, stateInvalid } from './sign-in-errors.js';
import type { SignInStates } from './sign-in-states.js';

const MAX_CONFLICTS = 20;
const WRITE_ATTEMPTS = 4;
const FIRST_PAUSE_MS = 250;
const VERSIONS = 2 ** 40;

/** Where a sign-in begins. */
export interface SignInRequest {
  readonly owner: string;
  readonly binding: string;
  readonly returnTo?: string | undefined;
  readonly loginHint?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly label?: string | undefined;
}

/** The parameters of a callback, as a framework or a URL provides them. */
export type CallbackQuery = string | URLSearchParams | Readonly<Record<string, unknown>>;

/** The end of a sign-in. */
export interface SignInResponse {
  readonly query: CallbackQuery;
  readonly binding: string;
  readonly owner: string;
}

/** A connection that was made. */
export interface CompletedSignIn {
  readonly connection: LoadedConnection;
  readonly returnTo: string | undefined;
}

/** The dependencies of the sign-ins of one app. */
export interface SignInParts {
  readonly app: string;
  readonly client: OAuthClient;
  readonly states: SignInStates;
  readonly connections: SealedConnections;
  readonly vault: GuardedVault;
  readonly runtime: Runtime;
}

/** Connects accounts: RFC 6749 section 4.1 with PKCE (RFC 7636). */
export class SignIns {
  constructor(private readonly parts: SignInParts) {}

  /**
   * Begins a sign-in. Returns the address to send the person to.
   *
   * @throws BoxAuthError `owner_invalid`, `return_to_invalid`, `option_invalid`, `vault_unavailable`
   */
  async begin(request: SignInRequest): Promise<string> {
    const { client, states } = this.parts;
    const { loginHint, scopes } = checkedHints(request);
    const { state, challenge } = await states.begin({
      owner: checkedOwner(request.owner),
      label: checkedLabel(request.label),
      binding: hashOfBinding(request.binding),
      returnTo: checkedReturnTo(request.returnTo),
    });
    return client.authorizationUrl({ state, challenge, loginHint, scopes });
  }

  /**
   * Completes a sign-in: exchanges the code, and stores the connection, also in place of an earlier one.
   *
   * @throws BoxAuthError `owner_invalid`, `state_invalid`, `state_expired`, `state_used`, `consent_denied`, `vault_unavailable`,
   * `vault_unreadable`, and the errors of a token request
   */
  async complete({ query, binding, owner }: SignInResponse): Promise<CompletedSignIn> {
    const { app, client, states, runtime } = this.parts;
    const claim = { owner: checkedOwner(owner), binding: hashOfBinding(binding) };
    const parameters = parametersOf(query);
    const signIn = await states.use(parameters.get('state'), claim);
    const error = parameters.get('error');
    if (error === 'access_denied') throw consentDenied();
    if (error !== undefined) {
      const shown = [error, parameters.get('error_description') ?? ''].filter(
        (text) => text !== '',
      );
      throw authorizationFailed(error, redact(shown.join(': ')));
    }
    const code = parameters.get('code');
    if (code === undefined || code === '') throw stateInvalid('the callback has no code');
    const { pair, person } = await client.redeem(code, signIn.verifier);
    const record = withPair({ connectedAt: runtime.now(), person }, pair);
    const row = await this.#store({ app, owner: signIn.owner, label: signIn.label }, record);
    return { connection: { row, record }, returnTo: signIn.returnTo };
  }

  /** The code is used up, so the new pair is written several times before the person has to begin again. */
  async #store(key: ConnectionKey, record: ConnectionRecord): Promise<ConnectionRow> {
    const { runtime } = this.parts;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#write(key, record);
      } catch (error) {
        if (attempt === WRITE_ATTEMPTS) throw error;
        await delay(runtime, FIRST_PAUSE_MS * 2 ** attempt * (0.5 + runtime.random()));
      }
    }
  }

  /** Does not decrypt the row that it replaces: a connection that became unreadable can be made again. */
  async #write(key: ConnectionKey, record: ConnectionRecord): Promise<ConnectionRow> {
    const { connections, vault, runtime } = this.parts;
    const content = { record, status: 'active' } as const;
    for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
      const existing = await vault.send((store) => store.load(key));
      // A random version: a process that refreshes a removed connection must not take the new one for it.
      const row =
        existing === undefined
          ? await connections.insert(key, Math.floor(runtime.random() * VERSIONS), content)
          : await connections.replace(key, existing.version, content);
      if (row !== undefined) return row;
    }
    throw vaultUnavailable(new Error(`It reported ${MAX_CONFLICTS} conflicts in a row.`));
  }
}

/** The parameters of a callback. None may be repeated (RFC 6749 section 3.1). */
function parametersOf(query: unknown): ReadonlyMap<string, string | undefined> {
  const entries =
    typeof query === 'string' || query instanceof URLSearchParams
      ? [...new URLSearchParams(typeof query === 'string' ? queryIn(query) : query)]
      : Object.entries(typeof query === 'object' && query !== null ? query : {});
  const parameters = new Map<string, string | undefined>();
  for (const [name, value] of entries) {
    if (parameters.has(name) || Array.isArray(value)) {
      throw stateInvalid('the callback has a parameter twice');
    }
    parameters.set(name, typeof value === 'string' ? value : undefined);
  }
  return parameters;
}

/** The query of a whole address, or the text itself. */
function queryIn(text: string): string {
  return text.slice(text.indexOf('?') + 1).replace(/#.*/s, '');
}

/** @throws BoxAuthError `option_invalid` */
function checkedHints({
  loginHint,
  scopes,
}: SignInRequest): Pick<SignInRequest, 'loginHint' | 'scopes'> {
  if (loginHint !== undefined && typeof loginHint !== 'string') {
    throw invalidHint('loginHint', 'an email address as a string');
  }
  if (
    scopes !== undefined &&
    (!Array.isArray(scopes) || scopes.length === 0 || !scopes.every(isScope))
  ) {
    throw invalidHint('scopes', 'a list of scopes, such as ["root_readonly"]');
  }
  return { loginHint, scopes };
}

/** RFC 6749 appendix A.4. */
function isScope(scope: unknown): boolean {
  return typeof scope === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope);
}

function invalidHint(name: string, expected: string): BoxAuthError {
  return new BoxAuthError({
    code: 'option_invalid',
    message: `Invalid \`${name}\` of authorizationUrl: expected ${expected}.`,
    hint: `Correct \`${name}\`, or leave it out.`,
    docs: 'https://datatracker.ietf.org/doc/html/rfc6749#section-4.1.1',
  });
}

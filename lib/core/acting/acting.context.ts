import { AsyncLocalStorage } from 'node:async_hooks';
import type { Subject } from '../credentials/subject.js';
import type { AccessToken } from '../token-endpoint/access-token.js';
import type { TokenDemand } from '../tokens/token-refresher.js';

/** How a call names its acting user: by the `as-user` header, or by a user access token. */
export type ActingVia = 'header' | 'token';

/** The user that Box calls act for. */
export interface ActingUser {
  readonly id: string;
  readonly via: ActingVia;
}

/** The tokens of a person's own account. Calls carry them instead of the tokens of the app. */
export interface ActingConnection {
  /** Different for each connection. Contains no secret. */
  readonly key: string;
  /** The cached token, if no refresh is due yet and it lives for `minValidityMs`. */
  peekFresh(minValidityMs?: number): AccessToken | undefined;
  /** The cached token, if it may be handed out. */
  peek(): AccessToken | undefined;
  get(demand?: TokenDemand): Promise<AccessToken>;
  /** Returns another token than `refused`. */
  replace(refused: AccessToken, demand: TokenDemand): Promise<AccessToken>;
  /** Forgets a refused token if it is still the current one. */
  invalidate(token: AccessToken): void;
}

/** The enterprise that calls are for, and whether they act for a user or for its service account. Or a person's connection. */
export interface Acting {
  /** Default: the enterprise of the credentials. */
  readonly enterprise?: string | undefined;
  readonly user?: ActingUser | undefined;
  readonly connection?: ActingConnection | undefined;
  /** Identifies the request or handler invocation that decided. An empty object, never the request itself. */
  readonly source?: object | undefined;
}

/** A call of an app that the current code is part of. */
export interface EnclosingCall {
  /** Identifies the app. */
  readonly app: object;
  /** The call that it is part of. */
  readonly outer: EnclosingCall | undefined;
  readonly isPending: boolean;
}

/** The current decisions. They contain ids only. */
interface Decisions {
  /** Made by a decorator, for every app. */
  readonly everyApp?: Acting | undefined;
  /** Made by `runAs`, `runFor` and `boxAuth` of Express, for one app each. */
  readonly ofApp: ReadonlyMap<object, Acting>;
  /** The innermost decision of another app for a user or an enterprise. An app without its own follows it too. */
  readonly otherApps?: Acting | undefined;
  /** Kept here, because each further AsyncLocalStorage makes every asynchronous operation of the process slower. */
  readonly call?: EnclosingCall | undefined;
}

let read: (context: ActingContext) => Decisions;

/**
 * Hides the decisions. Node attaches the store of an AsyncLocalStorage to promises, timers and kept-alive sockets, where
 * tools that inspect errors find it. So it must show nothing and must not keep a request in memory.
 */
export class ActingContext {
  readonly #decisions: Decisions;

  static {
    read = (context) => context.#decisions;
  }

  constructor(decisions: Decisions) {
    this.#decisions = decisions;
    Object.freeze(this);
  }
}

interface Store {
  readonly storage: AsyncLocalStorage<ActingContext>;
  readonly seal: (decisions: Decisions) => ActingContext;
  readonly read: (context: ActingContext) => Decisions;
}

/** Decides which enterprises an app may call for. */
export interface TenantCheck {
  /**
   * Checks the enterprise of `acting`; `own` is the subject of the credentials. Returns a promise only if it has to wait.
   *
   * @throws BoxAuthError `enterprise_missing`, `enterprise_not_allowed`
   */
  admit(acting: Acting | undefined, own: Subject | undefined): Promise<void> | void;
}

/** The subject of the token for calls in `acting`; undefined for the subject of the credentials. */
export function actingSubject(acting: Acting | undefined): Subject | undefined {
  const { enterprise, user } = acting ?? {};
  if (user?.via === 'token') return { type: 'user', id: user.id, enterprise };
  return enterprise === undefined ? undefined : { type: 'enterprise', id: enterprise };
}

// One process may load the ES module and the CommonJS build. Both must see the same acting user.
const SLOT = Symbol.for('nestjs-box-auth.acting-context');
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only this file writes the slot
const slots = globalThis as { [SLOT]?: Store };
const store = (slots[SLOT] ??= {
  storage: new AsyncLocalStorage(),
  seal: (decisions) => new ActingContext(decisions),
  read,
});

function currentDecisions(): Decisions | undefined {
  const context = store.storage.getStore();
  return context && store.read(context);
}

/** The decision for `app`, which is identified by its policy. Without `app`: the decision for every app. */
export function currentActing(app?: object): Acting | undefined {
  const decisions = currentDecisions();
  if (decisions === undefined) return undefined;
  const ofThisApp = app && decisions.ofApp.get(app);
  return ofThisApp ?? decisions.everyApp ?? decisions.otherApps;
}

/** The last decision, of whichever app: `ofApp` and `otherApps` are made inside of a decision for every app. */
export function lastActing(): Acting | undefined {
  const decisions = currentDecisions();
  return decisions?.otherApps ?? decisions?.everyApp;
}

/** The acting user of the current code; undefined for the service account. */
export function currentActingUser(app?: object): ActingUser | undefined {
  return currentActing(app)?.user;
}

/** The current context with a decision for one app. Other apps keep their decisions. */
export function contextForApp(app: object, acting: Acting): ActingContext {
  const { everyApp, ofApp, otherApps, call } = currentDecisions() ?? { ofApp: [] };
  return store.seal({
    call,
    everyApp,
    ofApp: new Map([...ofApp, [app, acting]]),
    otherApps: isForApp(acting) ? otherApps : acting,
  });
}

/** Whether calls are made with the token of the app, for its own enterprise and service account. */
function isForApp({ user, enterprise, connection }: Acting): boolean {
  return user === undefined && enterprise === undefined && connection === undefined;
}

/** Runs `fn` in `context`, which is kept across awaits, timers and streams. */
export function runInContext<T>(context: ActingContext, fn: () => T): T {
  return store.storage.run(context, fn);
}

/** Runs `fn` with one decision for every app. */
export function runInActingContext<T>(everyApp: Acting, fn: () => T): T {
  return runInContext(store.seal({ everyApp, ofApp: new Map(), call: currentCall() }), fn);
}

/** The innermost call that the current code is part of. */
export function currentCall(): EnclosingCall | undefined {
  return currentDecisions()?.call;
}

/** Runs `fn` as a part of `call`, with the current decisions. */
export function runInCall<T>(call: EnclosingCall, fn: () => T): T {
  const { everyApp, ofApp, otherApps } = currentDecisions() ?? { ofApp: new Map<never, never>() };
  return runInContext(store.seal({ everyApp, ofApp, otherApps, call }), fn);
}

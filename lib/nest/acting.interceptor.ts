import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  type OnModuleInit,
} from '@nestjs/common';
// oxlint-disable-next-line typescript/consistent-type-imports -- Nest reads the parameter's type at run time
import { ApplicationConfig, ModulesContainer, Reflector } from '@nestjs/core';
import { Observable } from 'rxjs';
import { checkedActingUserId } from '../box/acting-user.js';
import { boxDocs } from '../box/box-docs.js';
import { checkedEnterpriseId, enterpriseMissing } from '../box/tenants.js';
import type { BoxApp } from '../box/box-token.provider.js';
import type { BoxUsers } from '../box/users/box-users.js';
import {
  type Acting,
  type ActingUser,
  currentActing,
  lastActing,
  runInActingContext,
} from '../core/acting/acting.context.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import type { ConnectedRule, EnterpriseRule } from './acting-rule.js';
import { type Rules, rulesOf } from './acting-rules.js';
import { actingConnectionOf, checkConnectedUsers, requireConnections } from './connected-users.js';
import { preserveContext } from './preserve-context.js';
import { usersForResolvers } from './resolver-users.js';
import { rejectSharedCache } from './response-cache-check.js';
import { admitToSome, appsWithTenants } from './tenant-checks.js';

/** A promise only if a resolver returned one, because Nest handles a synchronous result faster. */
type MaybePromise<T> = T | Promise<T>;

/**
 * Runs a handler for the enterprise of its `@ForEnterprise` and with the acting user of its `@AsUser`, or with the connection of its
 * `@AsConnectedUser`. These decorators apply this interceptor.
 */
@Injectable()
export class ActingInterceptor implements NestInterceptor, OnModuleInit {
  /** The rules by handler and class, read once: metadata does not change. */
  readonly #rules = new WeakMap<object, WeakMap<object, Rules>>();
  /** Identifies each invocation in the async context. */
  readonly #sources = new WeakMap<ExecutionContext, object>();
  #apps: readonly BoxApp[] | undefined;
  #users: BoxUsers | undefined;

  constructor(
    private readonly reflector: Reflector,
    private readonly config: ApplicationConfig,
    private readonly modules: ModulesContainer,
  ) {}

  /** Called by Nest. */
  onModuleInit(): void {
    checkConnectedUsers(this.modules);
  }

  intercept(invocation: ExecutionContext, next: CallHandler): MaybePromise<Observable<unknown>> {
    const source = this.#sources.get(invocation) ?? {};
    // Several decorators on a class and its method run the interceptor once each. The first run has decided.
    if (currentActing()?.source === source) return next.handle();
    this.#sources.set(invocation, source);
    const rules = this.#rulesOf(invocation);
    const acting: MaybePromise<Acting> =
      rules.connected === undefined
        ? this.#forApp(rules, invocation, source)
        : this.#connected(rules.connected, invocation, source);
    return whenKnown(acting, (known) => handleIn(known, next));
  }

  /** The connection of the request. Never one of an outer `runAs`. */
  #connected(
    rule: ConnectedRule,
    invocation: ExecutionContext,
    source: object,
  ): MaybePromise<Acting> {
    return whenKnown(rule.owner(invocation), (owner) => {
      if (owner == null && rule.optional) return { source };
      const name = describeHandler(invocation);
      if (owner == null) throw actingUserMissing('@AsConnectedUser', name);
      const connections = requireConnections(this.modules, rule, name);
      return { source, connection: actingConnectionOf(connections, owner, rule.label) };
    });
  }

  /** The enterprise and the user of the request, for calls with the tokens of the app. */
  #forApp(rules: Rules, invocation: ExecutionContext, source: object): MaybePromise<Acting> {
    return whenKnown(this.#enterprise(rules.enterprise, invocation, source), (enterprise) =>
      whenKnown(this.#actingUser(rules, { source, enterprise }, invocation), (user) => ({
        source,
        enterprise,
        user,
      })),
    );
  }

  /** The enterprise of the request. One of the apps must serve it. */
  #enterprise(
    rule: EnterpriseRule | undefined,
    invocation: ExecutionContext,
    source: object,
  ): MaybePromise<string | undefined> {
    if (rule === undefined) return lastActing()?.enterprise;
    const { enterprise: given, optional } = rule;
    const resolved = typeof given === 'string' ? given : given(invocation);
    return whenKnown(resolved, (id) => {
      if (id == null && optional) return undefined;
      const name = describeHandler(invocation);
      if (id == null) throw enterpriseMissing(`@ForEnterprise on ${name} returned no enterprise.`);
      const enterprise = checkedEnterpriseId(id, `@ForEnterprise on ${name}`);
      this.#apps ??= appsWithTenants(this.modules);
      const admission = admitToSome(this.#apps, { source, enterprise });
      return admission === undefined ? enterprise : admission.then(() => enterprise);
    });
  }

  /**
   * The acting user of the request, who is looked up in the context of its enterprise. A handler without `@AsUser` and
   * `@AsServiceAccount` acts for the service account, but `@ForEnterprise` alone keeps the user of an outer `runAs`.
   */
  #actingUser(
    { acting: rule, enterprise: enterpriseRule }: Rules,
    tenant: Pick<Acting, 'source' | 'enterprise'>,
    invocation: ExecutionContext,
  ): MaybePromise<ActingUser | undefined> {
    if (rule === undefined) return enterpriseRule && lastActing()?.user;
    if (rule.as === 'service-account') return undefined;
    const { user, via, optional } = rule;
    const resolve = () => {
      if (typeof user === 'string') return user;
      this.#users ??= usersForResolvers(this.modules);
      return user(invocation, this.#users);
    };
    const resolved = enterpriseRule === undefined ? resolve() : runInActingContext(tenant, resolve);
    return whenKnown(resolved, (id) => {
      if (id != null) return { id: checkedActingUserId(id), via };
      if (optional) return undefined;
      throw actingUserMissing('@AsUser', describeHandler(invocation));
    });
  }

  #rulesOf(invocation: ExecutionContext): Rules {
    const handler = invocation.getHandler();
    const owner = invocation.getClass();
    const known = this.#rules.get(handler)?.get(owner);
    if (known !== undefined) return known;
    const { reflector, config, modules } = this;
    const rules = rulesOf(owner, handler);
    if (isPerRequest(rules)) rejectSharedCache(invocation, { reflector, config, modules });
    const rulesOfHandler = this.#rules.get(handler) ?? new WeakMap<object, Rules>();
    this.#rules.set(handler, rulesOfHandler.set(owner, rules));
    return rules;
  }
}

/** Whether two requests to the handler may have different responses. */
function isPerRequest({ acting, enterprise, connected }: Rules): boolean {
  return (
    connected !== undefined ||
    (acting?.as === 'user' && typeof acting.user === 'function') ||
    typeof enterprise?.enterprise === 'function'
  );
}

function whenKnown<T, R>(
  value: MaybePromise<T>,
  use: (value: T) => MaybePromise<R>,
): MaybePromise<R> {
  return isThenable(value) ? Promise.resolve(value).then(use) : use(value);
}

function isThenable<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && 'then' in value;
}

/** Subscribes inside the acting context, because subscribing runs the handler. */
function handleIn(acting: Acting, next: CallHandler): Observable<unknown> {
  return new Observable((subscriber) =>
    runInActingContext(acting, () =>
      next.handle().subscribe({
        next: (result) => subscriber.next(preserveContext(result)),
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
      }),
    ),
  );
}

function actingUserMissing(
  decorator: '@AsUser' | '@AsConnectedUser',
  handler: string,
): BoxAuthError {
  return new BoxAuthError({
    code: 'acting_user_missing',
    message: `The resolver of ${decorator} on ${handler} returned no user.`,
    hint:
      decorator === '@AsUser'
        ? 'Reject unauthenticated requests in a guard. Or set `optional: true` to serve them as the service account.'
        : "Reject unauthenticated requests in a guard. Or set `optional: true` to serve them with the app's own token.",
    docs: decorator === '@AsUser' ? boxDocs.asUser : boxDocs.oauth,
  });
}

function describeHandler(invocation: ExecutionContext): string {
  return `${invocation.getClass().name}.${invocation.getHandler().name}`;
}

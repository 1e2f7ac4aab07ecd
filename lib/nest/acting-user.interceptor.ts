import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
// oxlint-disable-next-line typescript/consistent-type-imports -- Nest reads the parameter's type at run time
import { ApplicationConfig, ModulesContainer, Reflector } from '@nestjs/core';
import { Observable } from 'rxjs';
import { checkedActingUserId } from '../box/acting-user.js';
import { boxDocs } from '../box/box-docs.js';
import {
  type Acting,
  type ActingUser,
  currentActing,
  runInActingContext,
} from '../core/acting/acting-user.context.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { type ActingRule, SetActingRule } from './acting-rule.js';
import { preserveContext } from './preserve-context.js';
import { rejectSharedCache } from './response-cache-check.js';

/** The rule of a handler without `@AsUser` and `@AsServiceAccount`: its calls act for the service account. */
const NO_RULE = { as: 'no-rule' } as const;
type Rule = ActingRule | typeof NO_RULE;

/** Runs a handler with the acting user of its `@AsUser`. That decorator applies this interceptor. */
@Injectable()
export class ActingUserInterceptor implements NestInterceptor {
  /** The rules by handler and class, read once: metadata does not change. */
  readonly #rules = new WeakMap<object, WeakMap<object, Rule>>();
  /** Identifies each invocation in the async context. */
  readonly #sources = new WeakMap<ExecutionContext, object>();

  constructor(
    private readonly reflector: Reflector,
    private readonly config: ApplicationConfig,
    private readonly modules: ModulesContainer,
  ) {}

  intercept(
    invocation: ExecutionContext,
    next: CallHandler,
  ): Observable<unknown> | Promise<Observable<unknown>> {
    const source = this.#sources.get(invocation) ?? {};
    // Decorators on both class and method run the interceptor twice. The first run has set the acting user.
    if (currentActing()?.source === source) return next.handle();
    this.#sources.set(invocation, source);
    const rule = this.#ruleOf(invocation);
    if (rule.as !== 'user') return handleIn({ source }, next);
    const handleFor = (id: string | null | undefined) =>
      handleIn({ source, user: actingUser(rule, id, invocation) }, next);
    const id = typeof rule.user === 'string' ? rule.user : rule.user(invocation);
    return typeof id === 'object' && id !== null
      ? Promise.resolve(id).then(handleFor)
      : handleFor(id);
  }

  #ruleOf(invocation: ExecutionContext): Rule {
    const handler = invocation.getHandler();
    const owner = invocation.getClass();
    const known = this.#rules.get(handler)?.get(owner);
    if (known !== undefined) return known;
    const rule = this.reflector.getAllAndOverride(SetActingRule, [handler, owner]) ?? NO_RULE;
    if (rule.as === 'user' && typeof rule.user === 'function') {
      const { reflector, config, modules } = this;
      rejectSharedCache(invocation, { reflector, config, modules });
    }
    const rulesOfHandler = this.#rules.get(handler) ?? new WeakMap<object, Rule>();
    this.#rules.set(handler, rulesOfHandler.set(owner, rule));
    return rule;
  }
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

function actingUser(
  rule: ActingRule & { as: 'user' },
  id: string | null | undefined,
  invocation: ExecutionContext,
): ActingUser | undefined {
  if (id != null) return { id: checkedActingUserId(id), via: rule.via };
  if (rule.optional) return undefined;
  throw new BoxAuthError({
    code: 'acting_user_missing',
    message: `The resolver of @AsUser on ${invocation.getClass().name}.${invocation.getHandler().name} returned no user.`,
    hint: 'Reject unauthenticated requests in a guard. Or set `optional: true` to serve them as the service account.',
    docs: boxDocs.asUser,
  });
}

import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
// oxlint-disable-next-line typescript/consistent-type-imports -- Nest reads the parameter's type at run time
import { ApplicationConfig, ModulesContainer, Reflector } from '@nestjs/core';
import { Observable } from 'rxjs';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { ActingAs, type ActingAsRule } from './acting-as.metadata.js';
import {
  type Acting,
  type ActingUser,
  currentActing,
  runInActingContext,
} from '../core/acting/acting-user.context.js';
import { checkedActingUserId } from '../box/acting-user.js';
import { refuseCacheByUrl } from './cached-handler.js';
import { readInThisContext } from './late-reading.js';

/** The interceptor stands on a handler without a decorator of ours. */
interface Unruled {
  readonly as: 'nobody';
}

const UNRULED: Unruled = { as: 'nobody' };

/** Runs a handler with the acting user that its decorator asks for. `@AsUser` brings it along. */
@Injectable()
export class ActingAsInterceptor implements NestInterceptor {
  /** Metadata do not change: they are read once for each handler of each class. */
  readonly #rules = new WeakMap<object, WeakMap<object, ActingAsRule | Unruled>>();
  /** What stands for each invocation in the async context. */
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
    // A decorator on the class and one on the method bring the interceptor twice: the first one has decided already.
    if (currentActing()?.source === source) return next.handle();
    this.#sources.set(invocation, source);
    const rule = this.#ruleOf(invocation);
    if (rule.as !== 'user') return handledIn({ source }, next);
    const handled = (found: string | null | undefined) =>
      handledIn({ source, user: actingUser(rule, found, invocation) }, next);
    const id = typeof rule.user === 'string' ? rule.user : rule.user(invocation);
    return typeof id === 'object' && id !== null ? Promise.resolve(id).then(handled) : handled(id);
  }

  #ruleOf(invocation: ExecutionContext): ActingAsRule | Unruled {
    const handler = invocation.getHandler();
    const owner = invocation.getClass();
    const known = this.#rules.get(handler)?.get(owner);
    if (known !== undefined) return known;
    const rule = this.reflector.getAllAndOverride(ActingAs, [handler, owner]) ?? UNRULED;
    if (rule.as === 'user' && typeof rule.user === 'function') {
      const { reflector, config, modules } = this;
      refuseCacheByUrl(invocation, { reflector, config, modules });
    }
    const ofHandler = this.#rules.get(handler) ?? new WeakMap<object, ActingAsRule | Unruled>();
    this.#rules.set(handler, ofHandler.set(owner, rule));
    return rule;
  }
}

/** Subscribing is what runs the handler: it must happen inside the context. */
function handledIn(acting: Acting, next: CallHandler): Observable<unknown> {
  return new Observable((subscriber) =>
    runInActingContext(acting, () =>
      next.handle().subscribe({
        next: (result) => subscriber.next(readInThisContext(result)),
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
      }),
    ),
  );
}

function actingUser(
  rule: ActingAsRule & { as: 'user' },
  id: string | null | undefined,
  invocation: ExecutionContext,
): ActingUser | undefined {
  if (id != null) return { id: checkedActingUserId(id), via: rule.via };
  if (rule.optional) return undefined;
  throw new BoxAuthError({
    code: 'acting_user_missing',
    message: `The resolver of @AsUser on ${invocation.getClass().name}.${invocation.getHandler().name} yielded no user.`,
    hint: 'Refuse requests of nobody in a guard; or set `optional: true` to serve them as the service account.',
    docs: 'https://developer.box.com/guides/authentication/jwt/as-user/',
  });
}

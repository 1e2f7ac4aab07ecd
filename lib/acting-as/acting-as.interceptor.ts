import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
// oxlint-disable-next-line typescript/consistent-type-imports -- Nest reads the parameter's type at run time
import { Reflector } from '@nestjs/core';
import { map, Observable } from 'rxjs';
import { BoxAuthError } from '../errors/box-auth.error.js';
import { ActingAs, type ActingAsRule } from './acting-as.metadata.js';
import {
  type ActingUser,
  checkedActingUserId,
  currentActingContext,
  runInActingContext,
} from './acting-user.context.js';
import { readInThisContext } from './late-reading.js';

/** Runs a handler with the acting user that its decorator asks for. `@AsUser` brings it along. */
@Injectable()
export class ActingAsInterceptor implements NestInterceptor {
  constructor(private readonly reflector: Reflector) {}

  async intercept(invocation: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    // A decorator on the class and one on the method bring the interceptor twice; the first one has done it all.
    if (currentActingContext()?.invocation === invocation) return next.handle();
    const targets = [invocation.getHandler(), invocation.getClass()];
    const user = await actingUser(this.reflector.getAllAndOverride(ActingAs, targets), invocation);
    const context = user === undefined ? { invocation } : { invocation, user };
    // Subscribing is what runs the handler: it must happen inside the context.
    return new Observable((subscriber) =>
      runInActingContext(context, () =>
        next
          .handle()
          .pipe(map((result) => readInThisContext(result)))
          .subscribe(subscriber),
      ),
    );
  }
}

async function actingUser(
  rule: ActingAsRule | undefined,
  invocation: ExecutionContext,
): Promise<ActingUser | undefined> {
  if (rule === undefined || rule.as === 'service-account') return undefined;
  const id = typeof rule.user === 'string' ? rule.user : await rule.user(invocation);
  if (id !== undefined && id !== null && id !== '') {
    return { id: checkedActingUserId(id), via: rule.via };
  }
  if (rule.optional) return undefined;
  throw new BoxAuthError({
    code: 'acting_user_missing',
    message: `The resolver of @AsUser on ${invocation.getClass().name}.${invocation.getHandler().name} yielded no user.`,
    hint: 'Refuse requests of nobody in a guard; or set `optional: true` to serve them as the service account.',
    docs: 'https://developer.box.com/guides/authentication/jwt/as-user/',
  });
}

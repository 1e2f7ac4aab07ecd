import { AsyncResource } from 'node:async_hooks';
import { Readable } from 'node:stream';
import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  StreamableFile,
} from '@nestjs/common';
// oxlint-disable-next-line typescript/consistent-type-imports -- Nest reads the parameter's type at run time
import { Reflector } from '@nestjs/core';
import { Observable, tap } from 'rxjs';
import { BoxAuthError } from '../errors/box-auth.error.js';
import { ActingAs, type ActingAsRule } from './acting-as.metadata.js';
import {
  type ActingUser,
  checkedActingUserId,
  currentActingContext,
  runInActingContext,
} from './acting-user.context.js';

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
          .pipe(tap((result) => keepContext(result)))
          .subscribe(subscriber),
      ),
    );
  }
}

/** Nest reads a stream that a handler returns after the handler is done: what the stream does then is the handler's, too. */
function keepContext(result: unknown): void {
  const stream: unknown = result instanceof StreamableFile ? result.getStream() : result;
  if (stream instanceof Readable) {
    stream._read = AsyncResource.bind(stream._read.bind(stream));
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

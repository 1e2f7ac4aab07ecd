import { AsyncLocalStorage } from 'node:async_hooks';
import 'reflect-metadata';
import {
  Controller,
  createParamDecorator,
  Get,
  Inject,
  Injectable,
  Module,
  Scope,
  UseInterceptors,
} from '@nestjs/common';
import { NestFactory, REQUEST } from '@nestjs/core';
import { ActingUser, AsUser, BoxAuthModule } from 'nestjs-box-auth';
import { Observable } from 'rxjs';

/** @typedef {import('@nestjs/common').ExecutionContext} ExecutionContext */
/** @typedef {{ headers: Record<string, string> }} AppRequest */

/** @type {AsyncLocalStorage<string>} */
const storage = new AsyncLocalStorage();
const userOf = (/** @type {AppRequest} */ request) => request.headers['x-demo-user'] ?? '';
const signedIn = (/** @type {ExecutionContext} */ context) =>
  userOf(context.switchToHttp().getRequest());

/** Sets the user like our interceptor: subscribing runs the handler. */
class StorageInterceptor {
  /**
   * @param {ExecutionContext} context
   * @param {import('@nestjs/common').CallHandler} next
   */
  intercept(context, next) {
    const user = signedIn(context);
    return new Observable((subscriber) =>
      storage.run(user, () => next.handle().subscribe(subscriber)),
    );
  }
}

/**
 * `GET /me`, which awaits a promise and responds with the acting user.
 *
 * @param {ParameterDecorator} userParameter
 * @param {readonly MethodDecorator[]} [decorators]
 */
function controllerWith(userParameter, decorators = []) {
  class MeController {
    /** @param {string} user */
    async me(user) {
      await Promise.resolve();
      return { id: user };
    }
  }
  userParameter(MeController.prototype, 'me', 0);
  const method = Object.getOwnPropertyDescriptor(MeController.prototype, 'me') ?? {};
  for (const decorate of [Get(), ...decorators]) decorate(MeController.prototype, 'me', method);
  Controller('me')(MeController);
  return MeController;
}

function requestScoped() {
  class CurrentUser {
    /** @param {AppRequest} request */
    constructor(request) {
      this.id = userOf(request);
    }
  }
  Inject(REQUEST)(CurrentUser, undefined, 0);
  Injectable({ scope: Scope.REQUEST })(CurrentUser);
  class MeController {
    /** @param {CurrentUser} user */
    constructor(user) {
      this.user = user;
    }

    async me() {
      await Promise.resolve();
      return { id: this.user.id };
    }
  }
  Inject(CurrentUser)(MeController, undefined, 0);
  const method = Object.getOwnPropertyDescriptor(MeController.prototype, 'me') ?? {};
  Get()(MeController.prototype, 'me', method);
  Controller('me')(MeController);
  return { controllers: [MeController], providers: [CurrentUser] };
}

const fromStorage = createParamDecorator(() => storage.getStore());
const fromRequest = createParamDecorator((_, context) => signedIn(context));

/** @typedef {import('@nestjs/common').ModuleMetadata} ModuleMetadata */

/** @type {Record<string, (stage: import('../row.js').Stage) => ModuleMetadata>} */
const modules = {
  'read from the request': () => ({ controllers: [controllerWith(fromRequest())] }),
  AsyncLocalStorage: () => ({
    controllers: [controllerWith(fromStorage(), [UseInterceptors(StorageInterceptor)])],
  }),
  'AsyncLocalStorage in a middleware': () => ({ controllers: [controllerWith(fromStorage())] }),
  ours: ({ config }) => ({
    imports: [BoxAuthModule.forRoot({ credentials: { config } })],
    controllers: [controllerWith(ActingUser(), [AsUser(signedIn)])],
  }),
  'a request-scoped provider': requestScoped,
};

export const variants = Object.keys(modules);
export const platforms = ['Express', 'Fastify'];

/**
 * @param {string} platform
 * @param {string} variant
 * @param {import('../row.js').Stage} stage
 */
export async function startApp(platform, variant, stage) {
  class AppModule {}
  Module(modules[variant]?.(stage) ?? {})(AppModule);
  const app = await createApp(platform, AppModule);
  if (variant === 'AsyncLocalStorage in a middleware') {
    // Follows the recipe in Nest's documentation.
    app.use(
      (
        /** @type {AppRequest} */ request,
        /** @type {unknown} */ _,
        /** @type {() => void} */ next,
      ) => storage.run(userOf(request), next),
    );
  }
  await app.listen(0, '127.0.0.1');
  return app;
}

/**
 * @param {string} platform
 * @param {new () => object} module
 * @returns {Promise<import('@nestjs/common').INestApplication>}
 */
async function createApp(platform, module) {
  if (platform === 'Express') return await NestFactory.create(module, { logger: false });
  const { FastifyAdapter } = await import('@nestjs/platform-fastify');
  return await NestFactory.create(module, new FastifyAdapter(), { logger: false });
}

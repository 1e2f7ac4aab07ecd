import { type DynamicModule, Inject, Module, type ModuleMetadata } from '@nestjs/common';
import { BoxClient } from 'box-node-sdk';
import { getBoxTokenProviderToken } from '../box/nest/box-auth.module-definition.js';
import type { BoxTokenProvider } from '../box/box-token.provider.js';
import { boxClient, type BoxClientSession } from './box-client.js';

/** What the client's network session has other than by default, and whose tokens its calls carry. */
export interface BoxSdkModuleOptions extends BoxClientSession {
  /** The `name` of a `BoxAuthModule`. Its `BoxClient` is injected by `@InjectBoxClient(name)`. */
  readonly name?: string;
}

/** The injection token of a Box app's SDK client: the class itself for the one without a name. */
export function getBoxClientToken(name?: string): typeof BoxClient | symbol {
  return name === undefined ? BoxClient : Symbol.for(`nestjs-box-auth.BoxClient.${name}`);
}

/** Injects the SDK's client of the Box app `name`. */
export function InjectBoxClient(name?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getBoxClientToken(name));
}

/**
 * The `BoxClient` of Box's official SDK: its calls carry tokens of `BoxAuthModule`, and act for the user that a handler's
 * `@AsUser` names. They go to `apiUrl`. Import it as it is, or by `register` with what the SDK's network session takes.
 *
 * @example
 * ```ts
 * import { Injectable, Module } from '@nestjs/common';
 * import { BoxClient } from 'box-node-sdk';
 * import { BoxAuthModule } from 'nestjs-box-auth';
 * import { BoxSdkModule } from 'nestjs-box-auth/sdk';
 *
 * @Injectable()
 * export class Folders {
 *   constructor(private readonly box: BoxClient) {}
 *
 *   async names(id: string): Promise<readonly (string | undefined)[]> {
 *     const { entries = [] } = await this.box.folders.getFolderItems(id);
 *     return entries.map(({ name }) => name);
 *   }
 * }
 *
 * @Module({ imports: [BoxAuthModule.forRoot(), BoxSdkModule], providers: [Folders] })
 * export class AppModule {}
 * ```
 */
@Module(sdkOf({}))
export class BoxSdkModule {
  /** With what the SDK's network session takes, or for the Box app of this `name`. */
  static register(options: BoxSdkModuleOptions): DynamicModule {
    return { module: RegisteredBoxSdkModule, ...sdkOf(options) };
  }
}

// A dynamic module also has what its class provides: that would be the app without a name.
@Module({})
class RegisteredBoxSdkModule {}

function sdkOf({ name, ...session }: BoxSdkModuleOptions): ModuleMetadata {
  const client = getBoxClientToken(name);
  return {
    providers: [
      {
        provide: client,
        inject: [getBoxTokenProviderToken(name)],
        useFactory: (provider: BoxTokenProvider) => boxClient(provider, session),
      },
    ],
    exports: [client],
  };
}

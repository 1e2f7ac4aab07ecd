import { type DynamicModule, Inject, Module, type ModuleMetadata } from '@nestjs/common';
import { BoxClient } from 'box-node-sdk';
import { getBoxTokenProviderToken } from '../box/nest/box-auth.module-definition.js';
import type { BoxTokenProvider } from '../box/box-token.provider.js';
import { boxClient, type BoxClientSession } from './box-client.js';

/** Options of the client's network session, and the name of the Box app whose tokens the calls carry. */
export interface BoxSdkModuleOptions extends BoxClientSession {
  /** The `name` of a `BoxAuthModule`. Inject its `BoxClient` with `@InjectBoxClient(name)`. */
  readonly name?: string;
}

/** Returns the injection token of a Box app's SDK client: the class itself for the app without a name. */
export function getBoxClientToken(name?: string): typeof BoxClient | symbol {
  return name === undefined ? BoxClient : Symbol.for(`nestjs-box-auth.BoxClient.${name}`);
}

/** Injects the SDK client of the Box app `name`. */
export function InjectBoxClient(name?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getBoxClientToken(name));
}

/**
 * Provides the `BoxClient` of Box's official SDK. Its calls carry tokens of `BoxAuthModule`, act for the user of `@AsUser`,
 * and go to `apiUrl`. Import the class, or call `register` with options of the SDK's network session.
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
@Module(metadataFor({}))
export class BoxSdkModule {
  /** Accepts options of the SDK's network session, and the `name` of a Box app. */
  static register(options: BoxSdkModuleOptions): DynamicModule {
    return { module: RegisteredBoxSdkModule, ...metadataFor(options) };
  }
}

// A dynamic module also has the providers of its class, which are those of the app without a name.
@Module({})
class RegisteredBoxSdkModule {}

function metadataFor({ name, ...session }: BoxSdkModuleOptions): ModuleMetadata {
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

import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigModule, registerAs } from '@nestjs/config';

@Module({})
class ConfigNamespaceModule {}

/** A namespace of `@nestjs/config`, exported as `token`. Import this file dynamically: `@nestjs/config` is an optional peer. */
export function configNamespace(
  namespace: string,
  token: symbol,
  read: () => object,
): DynamicModule {
  const config = registerAs(namespace, read);
  return {
    module: ConfigNamespaceModule,
    imports: [ConfigModule.forFeature(config)],
    providers: [{ provide: token, useExisting: config.KEY }],
    exports: [token],
  };
}

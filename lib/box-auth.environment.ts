import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigModule, type ConfigType, registerAs } from '@nestjs/config';
import { BOX_ENVIRONMENT } from './box-auth.module-definition.js';
import type { BoxCredentials } from './credentials/box-credentials.js';
import { BoxAuthError } from './errors/box-auth.error.js';

/** What the environment says of Box: the namespace `box` of `@nestjs/config`. */
export interface BoxEnvironment {
  readonly credentials: BoxCredentials;
  readonly apiUrl?: string;
}

const boxConfig = registerAs('box', (): BoxEnvironment => readEnvironment(process.env));

@Module({})
class BoxEnvironmentModule {}

/** Only loaded by an app that reads its credentials from the environment: `@nestjs/config` is optional to others. */
export function boxEnvironmentModule(): DynamicModule {
  return {
    module: BoxEnvironmentModule,
    imports: [ConfigModule.forFeature(boxConfig)],
    providers: [
      {
        provide: BOX_ENVIRONMENT,
        inject: [boxConfig.KEY],
        useFactory: (environment: ConfigType<typeof boxConfig>) => environment,
      },
    ],
    exports: [BOX_ENVIRONMENT],
  };
}

/**
 * The credentials in the environment: `BOX_CONFIG_FILE`, else `BOX_CONFIG`, else `BOX_CLIENT_ID` and its like. An empty
 * variable counts as none.
 *
 * @throws BoxAuthError `config_missing`
 */
export function readEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
): BoxEnvironment {
  const get = (name: string) => (variables[name]?.trim() === '' ? undefined : variables[name]);
  const passphrase = defined({ passphrase: get('BOX_PRIVATE_KEY_PASSPHRASE') });
  const apiUrl = defined({ apiUrl: get('BOX_API_URL')?.trim() });

  const configFile = get('BOX_CONFIG_FILE');
  if (configFile !== undefined) return { ...apiUrl, credentials: { configFile, ...passphrase } };
  const config = get('BOX_CONFIG');
  if (config !== undefined) return { ...apiUrl, credentials: { config, ...passphrase } };
  if (get('BOX_CLIENT_ID') === undefined) throw nothingFound();

  const keyPair = defined({
    publicKeyId: get('BOX_PUBLIC_KEY_ID'),
    privateKey: get('BOX_PRIVATE_KEY'),
  });
  const client = defined({
    clientId: get('BOX_CLIENT_ID'),
    clientSecret: get('BOX_CLIENT_SECRET'),
    enterpriseId: get('BOX_ENTERPRISE_ID'),
    userId: get('BOX_USER_ID'),
  });
  const credentials =
    Object.keys(keyPair).length === 0 ? client : { ...client, ...keyPair, ...passphrase };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked by field, with all other credentials
  return { ...apiUrl, credentials: credentials as unknown as BoxCredentials };
}

function defined(fields: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined),
  );
}

function nothingFound(): BoxAuthError {
  return new BoxAuthError({
    code: 'config_missing',
    message:
      'BoxAuthModule.forRoot() was given no credentials, and the environment has none: BOX_CONFIG_FILE, BOX_CONFIG and BOX_CLIENT_ID are all unset.',
    hint: 'Set BOX_CONFIG_FILE to the path of config.json (or import ConfigModule.forRoot() if it stands in a .env file), or pass credentials to forRoot.',
    docs: 'https://developer.box.com/guides/authentication/jwt/jwt-setup/',
  });
}

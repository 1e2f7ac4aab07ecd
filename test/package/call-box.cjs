// The common part of consumer.mjs and consumer.cjs, which load the package differently.

/**
 * Starts an app with credentials, then one that reads them from the environment, and calls Box as the service account and as
 * Alice with both clients.
 *
 * @param {{
 *   BoxAuthModule: typeof import('nestjs-box-auth').BoxAuthModule,
 *   boxEnvironmentSchema: typeof import('nestjs-box-auth').boxEnvironmentSchema,
 *   BoxEmulator: typeof import('nestjs-box-auth/testing').BoxEmulator,
 *   BoxFetch: typeof import('nestjs-box-auth').BoxFetch,
 *   BoxHttpModule: typeof import('nestjs-box-auth/axios').BoxHttpModule,
 *   BoxTokenProvider: typeof import('nestjs-box-auth').BoxTokenProvider,
 *   ConfigModule: typeof import('@nestjs/config').ConfigModule,
 *   firstValueFrom: typeof import('rxjs').firstValueFrom,
 *   HttpService: typeof import('@nestjs/axios').HttpService,
 *   NestFactory: typeof import('@nestjs/core').NestFactory,
 * }} loaded
 */
module.exports = async function callBox(loaded) {
  const { BoxAuthModule, BoxEmulator } = loaded;
  const emulator = await BoxEmulator.start();
  try {
    const credentials = { config: emulator.config };
    print('forRoot({ credentials })');
    await callThrough(BoxAuthModule.forRoot({ credentials, apiUrl: emulator.url }), loaded);

    process.env.BOX_CONFIG = JSON.stringify(emulator.config);
    process.env.BOX_API_URL = emulator.url;
    print('forRoot()');
    await callThrough(BoxAuthModule.forRoot(), loaded);
    print(`mints: ${emulator.mints}`);

    print('validate');
    print((await problemOf(loaded)) ?? 'none');
    process.env.BOX_API_URL = 'box.local';
    print((await problemOf(loaded)) ?? 'none');
  } finally {
    await emulator.stop();
  }
};

/**
 * @param {import('@nestjs/common').DynamicModule} boxAuthModule
 * @param {Parameters<typeof module.exports>[0]} loaded
 */
async function callThrough(boxAuthModule, loaded) {
  class AppModule {}
  const app = await loaded.NestFactory.createApplicationContext(
    { module: AppModule, imports: [boxAuthModule, loaded.BoxHttpModule] },
    { logger: ['warn', 'error', 'fatal'], abortOnError: false },
  );
  const boxFetch = app.get(loaded.BoxFetch);
  const http = app.get(loaded.HttpService);

  const seeMe = async () => {
    const response = await boxFetch('/2.0/users/me');
    print(`BoxFetch: ${nameOf(await response.json())}`);
    const user = await loaded.firstValueFrom(http.get('/2.0/users/me'));
    print(`HttpService: ${nameOf(user.data)}`);
  };
  await seeMe();
  await app.get(loaded.BoxTokenProvider).runAs('11111', seeMe);
  await app.close();
}

/**
 * Returns the reason why `ConfigModule` rejects the environment.
 *
 * @param {Parameters<typeof module.exports>[0]} loaded
 */
async function problemOf({ boxEnvironmentSchema, ConfigModule, NestFactory }) {
  class AppModule {}
  const config = ConfigModule.forRoot({
    ignoreEnvFile: true,
    validate: (variables) => {
      const result = boxEnvironmentSchema['~standard'].validate(variables);
      if (result.issues) throw new Error(result.issues.map(({ message }) => message).join('\n'));
      return result.value;
    },
  });
  try {
    const app = await NestFactory.createApplicationContext(
      { module: AppModule, imports: [config] },
      { logger: false, abortOnError: false },
    );
    await app.close();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.split(',')[0] : String(error);
  }
}

/** @param {unknown} user */
function nameOf(user) {
  return user instanceof Object && 'name' in user ? String(user.name) : JSON.stringify(user);
}

/** @param {string} line */
function print(line) {
  process.stdout.write(`${line}\n`);
}

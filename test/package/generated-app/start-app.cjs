// Starts the built app of `nest new` after `nest add`, with credentials in the environment.
const [way] = process.argv.slice(2);

/** @param {string} name */
// The copy of the package that the app has loaded.
const load = (name) => (way === 'import' ? import(name) : require(name));

void start();

async function start() {
  const { BoxEmulator } = await load('nestjs-box-auth/testing');
  const emulator = await BoxEmulator.start();
  process.env.BOX_CONFIG = JSON.stringify(emulator.config);
  process.env.BOX_API_URL = emulator.url;
  const { NestFactory } = await load('@nestjs/core');
  const { AppModule } = await load('./dist/app.module.js');
  const app = await NestFactory.createApplicationContext(AppModule, {
    logger: ['warn', 'error', 'fatal'],
    abortOnError: false,
  });
  const { BoxTokenProvider } = await load('nestjs-box-auth');
  const { subject } = await app.get(BoxTokenProvider).getToken();
  process.stdout.write(`a token for an ${subject.type}\n`);
  await app.close();
  await emulator.stop();
}

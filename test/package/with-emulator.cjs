// Runs a command whose environment has the credentials of an emulator: `node with-emulator.cjs deno run app.mjs`.
const { execFile } = require('node:child_process');
const { createPrivateKey } = require('node:crypto');
const { promisify } = require('node:util');
const { BoxEmulator } = require('nestjs-box-auth/testing');

void (async () => {
  const [command = '', ...args] = process.argv.slice(2);
  const emulator = await BoxEmulator.start();
  const env = {
    PATH: process.env.PATH,
    BOX_API_URL: emulator.url,
    BOX_CONFIG: JSON.stringify(withAesKey(emulator.config)),
  };
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args, { env });
    process.stdout.write(`${stdout}mints: ${emulator.mints}\n`);
    process.stderr.write(stderr);
  } finally {
    await emulator.stop();
  }
})();

/**
 * The key of Box's console is encrypted by triple DES, which Deno cannot decrypt.
 *
 * @param {import('nestjs-box-auth/testing').BoxEmulator['config']} config
 */
function withAesKey(config) {
  const { appAuth } = config.boxAppSettings;
  const { privateKey, passphrase } = appAuth;
  const encrypted = createPrivateKey({ key: privateKey, passphrase }).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase,
  });
  return {
    ...config,
    boxAppSettings: { ...config.boxAppSettings, appAuth: { ...appAuth, privateKey: encrypted } },
  };
}

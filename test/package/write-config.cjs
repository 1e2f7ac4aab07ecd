// Writes a config.json in the format of Box's developer console.
const { writeFileSync } = require('node:fs');
const { BoxEmulator } = require('nestjs-box-auth/testing');

void (async () => {
  const emulator = await BoxEmulator.start();
  writeFileSync('config.json', JSON.stringify(emulator.config), { mode: 0o600 });
  await emulator.stop();
})();

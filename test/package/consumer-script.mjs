// A script that has installed neither Nest nor Express.
import { boxAuth } from 'nestjs-box-auth/express';
import { BoxEmulator } from 'nestjs-box-auth/testing';

const emulator = await BoxEmulator.start();
const box = boxAuth({ credentials: { config: emulator.config }, apiUrl: emulator.url });

const printMe = async () => {
  const answer = await box.fetch('/2.0/users/me');
  process.stdout.write(`${nameOf(await answer.json())}\n`);
};
await printMe();
await box.provider.runAs('11111', printMe);
process.stdout.write(`mints: ${emulator.mints}\n`);

box.close();
await emulator.stop();

/** @param {unknown} user */
function nameOf(user) {
  return user instanceof Object && 'name' in user ? String(user.name) : JSON.stringify(user);
}

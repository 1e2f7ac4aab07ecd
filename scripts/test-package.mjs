// Checks the package as its users get it: `npm run test:package`.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run } from './command.mjs';
import { checkConsumers } from './package-test/consumers.mjs';
import { step } from './package-test/step.mjs';
import { checkTarball, pack } from './package-test/tarball.mjs';

const folder = await mkdtemp(join(tmpdir(), 'nestjs-box-auth-'));
try {
  const built = await step('builds', async () => {
    await run(process.execPath, ['scripts/build.mjs'], { cwd: root });
  });
  if (built) {
    const tarball = await pack(folder);
    await Promise.all([checkTarball(tarball), checkConsumers(tarball.file, folder)]);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

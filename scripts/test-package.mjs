// Tests the packed package as users install it: `npm run test:package`. Builds it before, unless `--built` is given.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root, run } from './command.mjs';
import { checkConsumer, consumers } from './package-test/consumers.mjs';
import { checkGeneratedApp, generatedApps } from './package-test/generated-apps.mjs';
import { installNodes, NODE_VERSIONS } from './package-test/node-versions.mjs';
import { step } from './step.mjs';
import { checkTarball, pack } from './package-test/tarball.mjs';
import { runTasks } from './task-queue.mjs';

const { values } = parseArgs({ options: { built: { type: 'boolean', default: false } } });
const folder = await mkdtemp(join(tmpdir(), 'nestjs-box-auth-'));
try {
  const isBuilt =
    values.built ||
    (await step('builds', async () => {
      await run(process.execPath, ['scripts/build.mjs'], { cwd: root });
    }));
  if (isBuilt) await checkPackage(await pack(folder));
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** @param {import('./package-test/tarball.mjs').Tarball} tarball */
async function checkPackage(tarball) {
  const nodes = installedNodes();
  await runTasks([
    ...generatedApps.map(
      (app, index) => () =>
        checkGeneratedApp(app, tarball.file, join(folder, `generated-${index}`)),
    ),
    ...consumers.map(
      (consumer, index) => () =>
        checkConsumer(consumer, tarball.file, join(folder, `app-${index}`), nodes),
    ),
    () => checkTarball(tarball),
  ]);
}

async function installedNodes() {
  /** @type {import('./package-test/node-versions.mjs').Nodes} */
  let nodes = new Map();
  await step(`Node ${NODE_VERSIONS.join(', ')}: installs`, async () => {
    nodes = await installNodes(join(folder, 'nodes'));
  });
  return nodes;
}

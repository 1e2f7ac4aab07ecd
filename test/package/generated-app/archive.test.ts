import type { INestApplication } from '@nestjs/common';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { BoxTokenProvider } from 'nestjs-box-auth';
import { BoxEmulator, FakeBox } from 'nestjs-box-auth/testing';
import { ArchiveModule } from './archive.module.js';

// Globals of Jest and of Vitest, declared because this repository has neither.
declare function test(name: string, fn: () => Promise<void>): void;
declare function expect(actual: unknown): {
  toBe(expected: unknown): void;
  toEqual(expected: unknown): void;
};

const testingModule = () => Test.createTestingModule({ imports: [ArchiveModule] });

test('credentials from the environment, calls as the signed-in user', async () => {
  const emulator = await BoxEmulator.start();
  process.env['BOX_CONFIG'] = JSON.stringify(emulator.config);
  process.env['BOX_API_URL'] = emulator.url;
  const app = await started(testingModule());

  const answer = await ownerFor('alice', app);
  expect(await answer.json()).toEqual(['Alice', 'Alice']);
  expect((await ownerFor('mallory', app)).status).toBe(500);
  expect(emulator.mints).toBe(1);

  await app.close();
  await emulator.stop();
});

test('no credentials, and a Box that the test makes up', async () => {
  delete process.env['BOX_CONFIG'];
  delete process.env['BOX_API_URL'];
  const box = new FakeBox().reply('GET', '/2.0/users/me', ({ as }) => ({ name: `user ${as}` }));
  const app = await started(
    testingModule().overrideProvider(BoxTokenProvider).useValue(box.provider),
  );

  const answer = await ownerFor('alice', app);
  expect(await answer.json()).toEqual(['user 11111', 'user 11111']);
  box.expectCall('GET', '/2.0/users/me', { as: '11111' });

  await app.close();
});

async function started(builder: TestingModuleBuilder): Promise<INestApplication> {
  const module = await builder.compile();
  const app = module.createNestApplication({ logger: false });
  await app.listen(0, '127.0.0.1');
  return app;
}

async function ownerFor(user: string, app: INestApplication): Promise<Response> {
  return fetch(`${await app.getUrl()}/archive/owner`, { headers: { 'x-demo-user': user } });
}

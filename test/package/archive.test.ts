/* oxlint-disable typescript/consistent-type-imports -- Nest reads the types of constructor parameters at run time */
import assert from 'node:assert/strict';
import { HttpService } from '@nestjs/axios';
import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { BoxAuthModule, BoxTokenProvider } from 'nestjs-box-auth';
import { BoxHttpModule } from 'nestjs-box-auth/axios';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { firstValueFrom } from 'rxjs';

// Jest's own global, declared because this repository has no Jest.
declare function test(name: string, fn: () => Promise<void>): void;

@Injectable()
class Archive {
  constructor(
    private readonly box: BoxTokenProvider,
    private readonly http: HttpService,
  ) {}

  async ownerName(userId: string): Promise<string> {
    return this.box.runAs(userId, async () => {
      const me = await firstValueFrom(this.http.get<{ name: string }>('/2.0/users/me'));
      return me.data.name;
    });
  }
}

@Module({ imports: [BoxAuthModule.forRoot(), BoxHttpModule], providers: [Archive] })
class ArchiveModule {}

test('a module that reads its credentials from the environment calls Box as a user', async () => {
  const emulator = await BoxEmulator.start();
  process.env['BOX_CONFIG'] = JSON.stringify(emulator.config);
  process.env['BOX_API_URL'] = emulator.url;
  const app = await Test.createTestingModule({ imports: [ArchiveModule] }).compile();

  assert.equal(await app.get(Archive).ownerName('11111'), 'Alice');
  assert.equal((await app.get(BoxTokenProvider).getToken()).subject.type, 'enterprise');

  await app.close();
  await emulator.stop();
});

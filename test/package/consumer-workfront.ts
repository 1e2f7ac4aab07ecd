/* oxlint-disable typescript/consistent-type-imports -- Nest reads the types of constructor parameters at run time */
import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { WorkfrontEmulator } from 'nestjs-box-auth/testing';
import {
  type AccessToken,
  BoxAuthError,
  WorkfrontAuthModule,
  type WorkfrontAuthModuleOptions,
  WorkfrontFetch,
  WorkfrontTokenProvider,
} from 'nestjs-box-auth/workfront';
import { WorkfrontHttpModule, WorkfrontHttpService } from 'nestjs-box-auth/workfront/axios';
import { firstValueFrom } from 'rxjs';

@Injectable()
export class Projects {
  constructor(
    private readonly provider: WorkfrontTokenProvider,
    private readonly workfront: WorkfrontFetch,
    private readonly http: WorkfrontHttpService,
  ) {}

  async search(): Promise<unknown[]> {
    const session: AccessToken = await this.provider.getToken({ minValidityMs: 1_000 });
    const answer: Response = await this.workfront('/attask/api/v17.0/proj/search');
    const { data } = await firstValueFrom(this.http.get<unknown>('/attask/api/v17.0/proj/search'));
    return [session.fingerprint, await answer.json(), data];
  }
}

@Module({
  imports: [
    WorkfrontAuthModule.forRootAsync({
      useFactory: (): WorkfrontAuthModuleOptions => ({ domain: 'acme', warmUp: 'try' }),
    }),
    WorkfrontHttpModule,
  ],
  providers: [Projects],
})
export class AppModule {}

export async function reasonsOfRefusals(
  work: (emulator: WorkfrontEmulator) => Promise<void>,
): Promise<readonly string[]> {
  const emulator = await WorkfrontEmulator.start({ sessionLifetimeS: 60 });
  await work(emulator).catch((error: unknown) => {
    if (!(error instanceof BoxAuthError)) throw error;
  });
  await emulator.stop();
  return emulator.refusals.map(({ reason }) => reason);
}

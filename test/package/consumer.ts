/* oxlint-disable typescript/consistent-type-imports -- Nest reads the types of constructor parameters at run time */
import 'reflect-metadata';
import { HttpService } from '@nestjs/axios';
import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import axios from 'axios';
import {
  type AccessToken,
  ActingUser,
  AsServiceAccount,
  AsUser,
  BoxAuthError,
  type BoxAuthErrorCode,
  BoxAuthModule,
  boxEnvironmentSchema,
  BoxFetch,
  BoxTokenProvider,
  InjectBoxTokenProvider,
} from 'nestjs-box-auth';
import { BoxAxiosInterceptor, BoxHttpModule } from 'nestjs-box-auth/axios';
import { BoxEmulator, type RecordedRequest } from 'nestjs-box-auth/testing';
import { firstValueFrom } from 'rxjs';

@Injectable()
class Archive {
  private readonly uploads = axios.create({ baseURL: 'https://upload.box.com/api/2.0' });

  constructor(
    private readonly box: BoxTokenProvider,
    @InjectBoxTokenProvider('hr') private readonly hr: BoxTokenProvider,
    private readonly boxFetch: BoxFetch,
    private readonly http: HttpService,
    interceptor: BoxAxiosInterceptor,
  ) {
    interceptor.attach(this.uploads);
  }

  tokens(): Promise<AccessToken[]> {
    return Promise.all([this.box.getToken({ minValidityMs: 1_000 }), this.hr.getToken()]);
  }

  async names(userId: string): Promise<unknown[]> {
    return this.box.runAs(userId, async () => {
      const { data } = await firstValueFrom(this.http.get<{ name: string }>('/2.0/users/me'));
      const response: Response = await this.boxFetch('/2.0/users/me', { method: 'GET' });
      return [data.name, await response.json()];
    });
  }

  async codeOfFailure(): Promise<BoxAuthErrorCode | undefined> {
    try {
      await this.box.getHeaders('https://api.box.com/2.0/users/me');
    } catch (error) {
      if (error instanceof BoxAuthError) return error.code;
    }
    return undefined;
  }
}

@Controller('folders')
@AsUser(() => '11111', { via: 'header' })
class FoldersController {
  constructor(private readonly archive: Archive) {}

  @Get()
  list(@ActingUser() userId: string): Promise<unknown[]> {
    return this.archive.names(userId);
  }

  @Get('code')
  @AsServiceAccount()
  code(): Promise<BoxAuthErrorCode | undefined> {
    return this.archive.codeOfFailure();
  }
}

@Module({
  imports: [
    ConfigModule.forRoot({ validationSchema: boxEnvironmentSchema }),
    BoxAuthModule.forRoot({ warmUp: 'try', renewal: { windowRatio: 0.5 } }),
    BoxAuthModule.forRootAsync({
      name: 'hr',
      imports: [ConfigModule],
      inject: [ConfigService],
      useFactory: (config: ConfigService) => ({
        credentials: { configFile: config.getOrThrow<string>('HR_CONFIG') },
      }),
    }),
    BoxHttpModule.register({ timeout: 30_000 }),
  ],
  controllers: [FoldersController],
  providers: [Archive],
})
export class AppModule {}

export async function tokenRequestsOf(
  work: (emulator: BoxEmulator) => Promise<void>,
): Promise<readonly RecordedRequest[]> {
  const emulator = await BoxEmulator.start({ tokenLifetimeS: 60 });
  emulator.failNext('token', { kind: 'unavailable' });
  await work(emulator);
  await emulator.stop();
  return emulator.tokenRequests;
}

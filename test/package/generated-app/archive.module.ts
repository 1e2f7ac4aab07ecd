/* oxlint-disable typescript/consistent-type-imports -- Nest reads the types of constructor parameters at run time */
import { HttpService } from '@nestjs/axios';
import { Controller, type ExecutionContext, Get, Module } from '@nestjs/common';
import { AsUser, BoxAuthModule, BoxFetch } from 'nestjs-box-auth';
import { BoxHttpModule } from 'nestjs-box-auth/axios';
import { firstValueFrom } from 'rxjs';

interface SignedInRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
}

function signedInUser(context: ExecutionContext): string | undefined {
  const { headers } = context.switchToHttp().getRequest<SignedInRequest>();
  return headers['x-demo-user'] === 'alice' ? '11111' : undefined;
}

@Controller('archive')
@AsUser(signedInUser)
class ArchiveController {
  constructor(
    private readonly http: HttpService,
    private readonly boxFetch: BoxFetch,
  ) {}

  @Get('owner')
  async owner(): Promise<unknown[]> {
    const { data } = await firstValueFrom(this.http.get<{ name: string }>('/2.0/users/me'));
    const response = await this.boxFetch('/2.0/users/me');
    const user = (await response.json()) as { name: string };
    return [data.name, user.name];
  }
}

@Module({ imports: [BoxAuthModule.forRoot(), BoxHttpModule], controllers: [ArchiveController] })
export class ArchiveModule {}

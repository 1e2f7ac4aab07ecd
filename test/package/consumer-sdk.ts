/* oxlint-disable typescript/consistent-type-imports -- Nest reads the types of constructor parameters at run time */
import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { BoxClient } from 'box-node-sdk';
import { BoxAuthModule, BoxTokenProvider } from 'nestjs-box-auth';
import { BoxSdkAuthentication, BoxSdkModule, InjectBoxClient } from 'nestjs-box-auth/sdk';

@Injectable()
export class Folders {
  constructor(
    private readonly box: BoxClient,
    @InjectBoxClient('hr') private readonly hr: BoxClient,
    private readonly provider: BoxTokenProvider,
  ) {}

  async names(): Promise<(string | undefined)[]> {
    const own = new BoxClient({ auth: new BoxSdkAuthentication(this.provider) });
    const users = [this.box, this.hr, own].map((client) => client.users.getUserMe());
    return (await Promise.all(users)).map(({ name }) => name);
  }
}

@Module({
  imports: [
    BoxAuthModule.forRoot(),
    BoxAuthModule.forRoot({ name: 'hr' }),
    BoxSdkModule,
    BoxSdkModule.register({ name: 'hr' }),
  ],
  providers: [Folders],
})
export class AppModule {}

import 'reflect-metadata';
import { Controller, type ExecutionContext, Get, Injectable, Module } from '@nestjs/common';
import { BoxAuthModule } from 'nestjs-box-auth';
import {
  AsConnectedUser,
  type BoxConnection,
  BoxConnections,
  BoxConnectionsModule,
  type ConnectionVault,
  InjectBoxConnections,
} from 'nestjs-box-auth/connections';
import { MemoryConnectionVault } from 'nestjs-box-auth/testing';

interface Request {
  readonly session?: { readonly userId?: string };
}
const owner = (request: Request) => request.session?.userId;
const signedIn = async (context: ExecutionContext) =>
  owner(context.switchToHttp().getRequest<Request>());

@Injectable()
class Accounts {
  constructor(@InjectBoxConnections('hr') private readonly hr: BoxConnections) {}

  async accountOf(id: string): Promise<BoxConnection | undefined> {
    const { connection } = await this.hr.complete({ query: '?code=1', binding: 'b', owner: id });
    return (await this.hr.get(id, 'work')) ?? connection;
  }
}

@Controller('files')
@AsConnectedUser(signedIn)
class FilesController {
  @Get()
  @AsConnectedUser(signedIn, { label: 'work', optional: true, connections: 'hr' })
  files(): object {
    return {};
  }
}

@Module({
  imports: [
    BoxAuthModule.forRoot(),
    BoxConnectionsModule.forRoot({ vault: new MemoryConnectionVault(), routes: { owner } }),
    BoxConnectionsModule.forRootAsync({
      name: 'hr',
      inject: ['vault'],
      useFactory: async (vault: ConnectionVault) => ({ vault, secret: ['new', 'old'] }),
      routes: { owner, connect: '/hr/connect', callback: '/hr/callback', disconnect: '/hr/end' },
    }),
  ],
  controllers: [FilesController],
  providers: [Accounts],
})
export class AppModule {}

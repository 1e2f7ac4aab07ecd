import { Controller, Get, UseGuards } from '@nestjs/common';
import {
  ApiOkResponse,
  ApiOperation,
  ApiSecurity,
  ApiTags,
  ApiUnauthorizedResponse,
} from '@nestjs/swagger';
import {
  AsConnectedUser,
  BoxConnections,
  type ConnectionStatus,
} from 'nestjs-box-auth/connections';
import { jsonOf } from '../box/box-response.js';
import { ApiBoxErrors } from '../docs/api-box-errors.decorator.js';
import { DEMO_USER } from '../docs/demo-user.scheme.js';
import { type SignedInUser } from '../sign-in/demo-users.js';
import { CurrentUser, signedInUser } from '../sign-in/portal-request.js';
import { SignInGuard } from '../sign-in/sign-in.guard.js';

/** The Box account that the signed-in user has connected. It may belong to any enterprise, or to none. */
@ApiTags('connection')
@ApiSecurity(DEMO_USER)
@ApiUnauthorizedResponse({ description: 'Not signed in, or no account is connected' })
@Controller('api/connection')
@UseGuards(SignInGuard)
export class ConnectionController {
  constructor(private readonly connections: BoxConnections) {}

  @Get()
  @ApiOperation({ summary: 'The Box account that the signed-in user has connected' })
  @ApiOkResponse({
    description: 'The account, or only the status `none`',
    schema: {
      type: 'object',
      required: ['status'],
      properties: {
        status: { enum: ['none', 'active', 'reauthorization_required'] },
        account: {
          type: 'object',
          properties: { name: { type: 'string' }, login: { type: 'string' } },
        },
        connectedAt: { type: 'string', format: 'date-time' },
      },
    },
  })
  async connection(@CurrentUser() { name: owner }: SignedInUser): Promise<ConnectedAccount> {
    const connection = await this.connections.get(owner);
    if (connection === undefined) return { status: 'none' };
    const { status, user, connectedAt } = connection;
    const { name, login } = user;
    return { status, account: { name, login }, connectedAt: new Date(connectedAt).toISOString() };
  }

  @Get('items')
  @AsConnectedUser((context) => signedInUser(context)?.name)
  @ApiBoxErrors()
  @ApiOperation({ summary: 'The items in the root folder of the connected account' })
  @ApiOkResponse({
    description: 'The items in Box’s format',
    schema: { example: { total_count: 1, entries: [{ type: 'file', id: '1', name: 'a.txt' }] } },
  })
  items(): Promise<unknown> {
    // The OAuth app may be at another Box than the rest of the portal, so this is not `BoxFetch`.
    return jsonOf(this.connections.fetch('/2.0/folders/0/items?fields=name,size&limit=1000'));
  }
}

/** A connection, as the portal sends it. */
interface ConnectedAccount {
  readonly status: ConnectionStatus | 'none';
  readonly account?: { readonly name: string; readonly login: string };
  readonly connectedAt?: string;
}

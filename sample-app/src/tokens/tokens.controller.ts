import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type TokenState, TokenStates } from './token-states.js';

const milliseconds = { type: 'number', description: 'Milliseconds from now' };

@ApiTags('monitoring')
@Controller('api/tokens')
export class TokensController {
  constructor(private readonly tokens: TokenStates) {}

  @Get()
  @ApiOperation({
    summary: 'The tokens of this process, by tenant, user and connection',
    description: 'Shows fingerprints, and no token. Sends no request to Box.',
  })
  @ApiOkResponse({
    description: 'One entry for each tenant, user and connection',
    schema: {
      type: 'array',
      items: {
        type: 'object',
        required: ['holder', 'name', 'status'],
        properties: {
          holder: { enum: ['app', 'tenant', 'user', 'connection'] },
          name: { type: 'string', description: 'An enterprise id, or the name of a user' },
          account: { type: 'string', description: 'The e-mail address of a connected account' },
          status: { enum: ['valid', 'missing', 'reauthorization_required'] },
          fingerprint: { type: 'string' },
          isShared: { type: 'boolean', description: 'Whether another process requested it' },
          ageMs: { type: 'number' },
          expiresInMs: milliseconds,
          refreshInMs: { type: 'object', properties: { from: milliseconds, to: milliseconds } },
        },
      },
    },
  })
  all(): Promise<readonly TokenState[]> {
    return this.tokens.all();
  }
}

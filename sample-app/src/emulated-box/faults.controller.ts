import { Controller, Get, HttpCode, Inject, Param, ParseEnumPipe, Post } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { TokenEvents } from '../events/token-events.js';
import { TokenStates } from '../tokens/token-states.js';
import { type BreakableBox, type FaultName, FAULTS } from './breakable-box.js';

export const BREAKABLE_BOX = Symbol('BREAKABLE_BOX');

/** Breaks the emulated Box. With the real Box, these routes do not exist. */
@ApiTags('faults')
@Controller('api/faults')
export class FaultsController {
  constructor(
    @Inject(BREAKABLE_BOX) private readonly box: BreakableBox,
    private readonly events: TokenEvents,
    private readonly tokens: TokenStates,
  ) {}

  @Get()
  @ApiOperation({ summary: 'The faults that last' })
  @ApiOkResponse({
    description: 'Milliseconds until the outage ends, and by which the clock of Box is ahead',
    schema: {
      type: 'object',
      required: ['outageMs', 'clockSkewMs'],
      properties: { outageMs: { type: 'number' }, clockSkewMs: { type: 'number' } },
      example: { outageMs: 0, clockSkewMs: -300_000 },
    },
  })
  current(): CurrentFaults {
    const { outageEndsAt, clockSkewMs } = this.box.state;
    return { outageMs: Math.max(outageEndsAt - this.box.time.now(), 0), clockSkewMs };
  }

  @Post(':fault')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Break Box',
    description: [
      '`expire`: 61 minutes pass, so that all tokens have expired.',
      '`revoke`: Box rejects all tokens from now on.',
      '`rate-limit`: a token request and three calls get a 429.',
      '`outage`: no token request succeeds for 30 s.',
      '`clock`: the clock of Box is 5 minutes behind, until the next time.',
      'Before the last three, time passes until the first token is due for a refresh.',
    ].join('\n\n'),
  })
  @ApiParam({ name: 'fault', schema: { enum: [...FAULTS] } })
  @ApiNoContentResponse({ description: 'Box is broken' })
  @ApiBadRequestResponse({ description: 'Unknown fault' })
  break(@Param('fault', new ParseEnumPipe(FAULTS)) fault: FaultName): void {
    this.box.break(fault, this.tokens.refreshDueInMs());
    this.events.reportFault(fault);
  }
}

interface CurrentFaults {
  readonly outageMs: number;
  readonly clockSkewMs: number;
}

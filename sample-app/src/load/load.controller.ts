import { Controller, Delete, Get, HttpCode, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Load, type LoadState } from './load.js';

const count = { type: 'integer' };

const stateResponse = {
  description: 'The counts since the load began',
  schema: {
    type: 'object',
    required: [
      'isRunning',
      'callsPerSecond',
      'calls',
      'failures',
      'repeatedCalls',
      'tokenRequests',
    ],
    properties: {
      isRunning: { type: 'boolean' },
      callsPerSecond: count,
      calls: { ...count, description: 'Calls of users with a response' },
      failures: count,
      latestFailure: { type: 'string', example: '/api/me: 503' },
      repeatedCalls: { ...count, description: 'Calls to Box that were sent a second time' },
      tokenRequests: count,
    },
  },
};

/** A steady load on the routes of this portal. */
@ApiTags('load')
@Controller('api/load')
export class LoadController {
  constructor(private readonly load: Load) {}

  @Get()
  @ApiOperation({ summary: 'The counts of the load' })
  @ApiOkResponse(stateResponse)
  state(): LoadState {
    return this.load.state;
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({ summary: 'Start the load, with new counts' })
  @ApiOkResponse(stateResponse)
  start(): LoadState {
    this.load.start();
    return this.load.state;
  }

  @Delete()
  @ApiOperation({ summary: 'Stop the load' })
  @ApiOkResponse(stateResponse)
  stop(): LoadState {
    this.load.stop();
    return this.load.state;
  }
}

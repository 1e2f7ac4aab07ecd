import { Controller, type MessageEvent, Sse } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { type Observable } from 'rxjs';
import { TokenEvents } from './token-events.js';

const KINDS = {
  mint: 'a token was requested',
  renewal: 'a token was refreshed',
  'forced-renewal': 'a rejected token was replaced',
  'stale-served': 'a call got the current token, because the refresh failed',
  'tenant-unauthorized': 'a tenant has not authorized the app',
  'clock-offset': 'the clocks of Box and of this machine differ',
  store: 'Redis became unavailable or available again',
  connection: 'a user connected, lost or disconnected an account',
  fault: 'a fault of the emulated Box',
};

@ApiTags('monitoring')
@Controller('api/events')
export class EventsController {
  constructor(private readonly events: TokenEvents) {}

  @Sse()
  @ApiOperation({
    summary: 'The latest token events, and new ones as they occur',
    description: [
      'An endless stream of server-sent events that starts with the last twenty. Open it in a new tab. No event contains a token, or an id other than that of a tenant.',
      `Kinds: ${Object.entries(KINDS)
        .map(([kind, meaning]) => `\`${kind}\` (${meaning})`)
        .join(', ')}.`,
    ].join('\n\n'),
  })
  @ApiProduces('text/event-stream')
  @ApiOkResponse({
    description: 'Events, each named after its kind, with JSON as `data`',
    schema: {
      type: 'string',
      example:
        'event: mint\nid: 1\ndata: {"kind":"mint","outcome":"minted","durationMs":212,"at":1767225600000}\n\n',
    },
  })
  watch(): Observable<MessageEvent> {
    return this.events.stream;
  }
}

import { Controller, type MessageEvent, Sse } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { type Observable } from 'rxjs';
import { TokenEvents } from './token-events.js';

@ApiTags('monitoring')
@Controller('api/events')
export class EventsController {
  constructor(private readonly events: TokenEvents) {}

  @Sse()
  @ApiOperation({
    summary: 'The latest token events, and new ones as they occur',
    description:
      'An endless stream of server-sent events that starts with the last twenty. Open it in a new tab. No event contains a token, or an id other than that of a tenant.',
  })
  @ApiProduces('text/event-stream')
  @ApiOkResponse({
    description: 'Events, each named after its kind',
    schema: {
      type: 'string',
      example: 'event: mint\nid: 1\ndata: {"kind":"mint","outcome":"minted","durationMs":212}\n\n',
    },
  })
  watch(): Observable<MessageEvent> {
    return this.events.stream;
  }
}

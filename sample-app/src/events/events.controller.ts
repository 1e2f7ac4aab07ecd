import { Controller, type MessageEvent, Sse } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { type Observable } from 'rxjs';
import { TokenEvents } from './token-events.js';

@ApiTags('watching')
@Controller('api/events')
export class EventsController {
  constructor(private readonly events: TokenEvents) {}

  @Sse()
  @ApiOperation({
    summary: "What happened last to the app's tokens, and then what happens, as it happens",
    description:
      'Server-sent events without an end, the last twenty first: open it in a tab of its own. No event has a token or an id in it.',
  })
  @ApiProduces('text/event-stream')
  @ApiOkResponse({
    description: 'One event each, named after its kind',
    schema: {
      type: 'string',
      example: 'event: mint\nid: 1\ndata: {"kind":"mint","outcome":"minted","durationMs":212}\n\n',
    },
  })
  watch(): Observable<MessageEvent> {
    return this.events.stream;
  }
}

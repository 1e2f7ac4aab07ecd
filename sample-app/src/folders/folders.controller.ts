import { Controller, Get, type MessageEvent, Param, Sse, UseGuards } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { BoxFetch } from 'nestjs-box-auth';
import { type Observable } from 'rxjs';
import { jsonOf } from '../box/box-response.js';
import { BoxIdPipe } from '../box/box-id.pipe.js';
import { ApiBoxErrors } from '../docs/api-box-errors.decorator.js';
import { ApiItemId } from '../docs/api-item-id.decorator.js';
import { AsSignedInUser } from '../sign-in/as-signed-in-user.decorator.js';
import { FolderChanges } from '../webhooks/folder-changes.js';
import { VisibleFolderGuard } from './visible-folder.guard.js';

@ApiTags('folders')
@ApiBoxErrors()
@Controller('api/folders')
@AsSignedInUser()
export class FoldersController {
  constructor(
    private readonly box: BoxFetch,
    private readonly folderChanges: FolderChanges,
  ) {}

  @Get(':id/items')
  @ApiOperation({ summary: 'The items in a folder that the signed-in user sees' })
  @ApiItemId('a folder; 0 is the root', '0')
  @ApiOkResponse({
    description: 'The items in Box’s format',
    schema: { example: { total_count: 1, entries: [{ type: 'file', id: '1', name: 'a.txt' }] } },
  })
  items(@Param('id', BoxIdPipe) id: string): Promise<unknown> {
    return jsonOf(this.box(`/2.0/folders/${id}/items?fields=name,size,modified_at&limit=1000`));
  }

  @Sse(':id/changes')
  @UseGuards(VisibleFolderGuard)
  @ApiOperation({
    summary: 'Reports each change in a folder that Box reports by a webhook',
    description: 'An endless stream of server-sent events. The page loads the list again then.',
  })
  @ApiItemId('a folder with a webhook')
  @ApiProduces('text/event-stream')
  @ApiOkResponse({
    description: 'The triggers of the webhooks',
    schema: { type: 'string', example: 'id: 1\ndata: {"trigger":"FILE.UPLOADED"}\n\n' },
  })
  changes(@Param('id') id: string): Observable<MessageEvent> {
    return this.folderChanges.in(id);
  }
}

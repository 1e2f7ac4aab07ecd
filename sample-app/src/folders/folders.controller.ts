import { Controller, Get, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { BoxFetch } from 'nestjs-box-auth';
import { jsonOf } from '../box/box-answer.js';
import { BoxIdPipe } from '../box/box-id.pipe.js';
import { ApiBoxAnswers } from '../docs/api-box-answers.decorator.js';
import { ApiItemId } from '../docs/api-item-id.decorator.js';
import { AsSignedInUser } from '../sign-in/as-signed-in-user.decorator.js';

@ApiTags('folders')
@ApiBoxAnswers()
@Controller('api/folders')
@AsSignedInUser()
export class FoldersController {
  constructor(private readonly box: BoxFetch) {}

  @Get(':id/items')
  @ApiOperation({ summary: 'What is in a folder, as the signed-in user sees it' })
  @ApiItemId('a folder; 0 is the root', '0')
  @ApiOkResponse({
    description: 'As Box lists items',
    schema: { example: { total_count: 1, entries: [{ type: 'file', id: '1', name: 'a.txt' }] } },
  })
  items(@Param('id', BoxIdPipe) id: string): Promise<unknown> {
    return jsonOf(this.box(`/2.0/folders/${id}/items?fields=name,size,modified_at&limit=1000`));
  }
}

import { Controller, Get, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { BoxFetch } from 'nestjs-box-auth';
import { jsonOf } from '../box/box-response.js';
import { BoxIdPipe } from '../box/box-id.pipe.js';
import { ApiBoxErrors } from '../docs/api-box-errors.decorator.js';
import { ApiItemId } from '../docs/api-item-id.decorator.js';
import { AsSignedInUser } from '../sign-in/as-signed-in-user.decorator.js';

@ApiTags('folders')
@ApiBoxErrors()
@Controller('api/folders')
@AsSignedInUser()
export class FoldersController {
  constructor(private readonly box: BoxFetch) {}

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
}

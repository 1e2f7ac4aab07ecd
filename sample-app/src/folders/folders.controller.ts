import { Controller, Get, Param } from '@nestjs/common';
import { BoxFetch } from 'nestjs-box-auth';
import { jsonOf } from '../box/box-answer.js';
import { BoxIdPipe } from '../box/box-id.pipe.js';
import { AsSignedInUser } from '../sign-in/as-signed-in-user.decorator.js';

@Controller('api/folders')
@AsSignedInUser()
export class FoldersController {
  constructor(private readonly box: BoxFetch) {}

  @Get(':id/items')
  items(@Param('id', BoxIdPipe) id: string): Promise<unknown> {
    return jsonOf(this.box(`/2.0/folders/${id}/items?fields=name,size,modified_at&limit=1000`));
  }
}

import { Readable } from 'node:stream';
import {
  Controller,
  DefaultValuePipe,
  Get,
  Header,
  Headers,
  Param,
  Post,
  Query,
  ServiceUnavailableException,
  StreamableFile,
} from '@nestjs/common';
import { BoxFetch } from 'nestjs-box-auth';
import { answerOf } from '../box/box-answer.js';
import { BoxIdPipe } from '../box/box-id.pipe.js';
import { AsSignedInUser } from '../sign-in/as-signed-in-user.decorator.js';
import { BodyStream } from './body-stream.decorator.js';
import { FileNamePipe } from './file-name.pipe.js';
import { Uploads } from './uploads.js';

@Controller('api/files')
@AsSignedInUser()
export class FilesController {
  constructor(
    private readonly box: BoxFetch,
    private readonly uploads: Uploads,
  ) {}

  /** Box redirects to another origin, which gets neither the token nor `as-user`. */
  @Get(':id/content')
  @Header('x-content-type-options', 'nosniff')
  async content(@Param('id', BoxIdPipe) id: string): Promise<StreamableFile> {
    const { status, headers, body } = await answerOf(this.box(`/2.0/files/${id}/content`));
    if (status === 202) throw new ServiceUnavailableException('Box is still preparing this file.');
    return new StreamableFile(body === null ? Readable.from([]) : Readable.fromWeb(body), {
      type: headers.get('content-type') ?? 'application/octet-stream',
      disposition: asAttachment(headers.get('content-disposition')),
      ...lengthIn(headers),
    });
  }

  @Post()
  upload(
    @Query('folder', new DefaultValuePipe('0'), BoxIdPipe) folderId: string,
    @Query('name', FileNamePipe) name: string,
    @Headers('content-type') contentType = 'application/octet-stream',
    @BodyStream() body: Readable,
  ): Promise<object> {
    return this.uploads.upload({ folderId, name, contentType, body });
  }
}

/** What people have uploaded must never be a page of this site. */
function asAttachment(disposition: string | null): string {
  return disposition?.startsWith('attachment') === true ? disposition : 'attachment';
}

/** `fetch` has undone a content-encoding, and then the length is of something else. */
function lengthIn(headers: Headers): { readonly length?: number } {
  const length = headers.get('content-length');
  return length === null || headers.has('content-encoding') ? {} : { length: Number(length) };
}

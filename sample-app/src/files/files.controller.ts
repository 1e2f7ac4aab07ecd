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
import {
  ApiBadRequestResponse,
  ApiBody,
  ApiConflictResponse,
  ApiConsumes,
  ApiCreatedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProduces,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import { BoxFetch, BoxTokenProvider } from 'nestjs-box-auth';
import { responseOf } from '../box/box-response.js';
import { BoxIdPipe } from '../box/box-id.pipe.js';
import { ApiBoxErrors } from '../docs/api-box-errors.decorator.js';
import { ApiItemId } from '../docs/api-item-id.decorator.js';
import { AsSignedInUser } from '../sign-in/as-signed-in-user.decorator.js';
import { BodyStream } from './body-stream.decorator.js';
import { FileNamePipe } from './file-name.pipe.js';
import { Uploads } from './uploads.js';

const binary = { type: 'string', format: 'binary' };

// Box identifies items by this URL, even when it is called through another host.
const BOX_API = 'https://api.box.com';

@ApiTags('files')
@ApiBoxErrors()
@Controller('api/files')
@AsSignedInUser()
export class FilesController {
  constructor(
    private readonly box: BoxFetch,
    private readonly uploads: Uploads,
    private readonly tokens: BoxTokenProvider,
  ) {}

  /** Box redirects to another origin, which receives neither the token nor `as-user`. */
  @Get(':id/content')
  @Header('x-content-type-options', 'nosniff')
  @ApiOperation({ summary: 'Download a file' })
  @ApiItemId('a file')
  @ApiProduces('application/octet-stream')
  @ApiOkResponse({ description: 'The file, always as an attachment', schema: binary })
  async content(@Param('id', BoxIdPipe) id: string): Promise<StreamableFile> {
    const { status, headers, body } = await responseOf(this.box(`/2.0/files/${id}/content`));
    if (status === 202) throw new ServiceUnavailableException('Box is still preparing this file.');
    return new StreamableFile(body === null ? Readable.from([]) : Readable.fromWeb(body), {
      type: headers.get('content-type') ?? 'application/octet-stream',
      disposition: asAttachment(headers.get('content-disposition')),
      ...lengthIn(headers),
    });
  }

  /** Returns a token that can only show this file. No other token may be sent to a browser. */
  @Post(':id/preview-token')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'A token for a browser preview of this file only' })
  @ApiItemId('a file')
  @ApiCreatedResponse({
    description: 'A downscoped token',
    schema: {
      type: 'object',
      required: ['accessToken'],
      properties: {
        accessToken: { type: 'string' },
        expiresAt: { type: 'string', format: 'date-time' },
      },
    },
  })
  async previewToken(@Param('id', BoxIdPipe) id: string): Promise<PreviewToken> {
    const { value, expiresAt } = await this.tokens.downscope({
      scopes: ['base_preview'],
      resource: `${BOX_API}/2.0/files/${id}`,
    });
    return {
      accessToken: value,
      expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt).toISOString(),
    };
  }

  @Post()
  @ApiOperation({ summary: 'Upload a file, streamed' })
  @ApiQuery({ name: 'folder', description: 'The id of a folder', required: false, example: '0' })
  @ApiQuery({ name: 'name', description: '1 to 255 characters without slashes', example: 'a.txt' })
  @ApiConsumes('application/octet-stream')
  @ApiBody({ schema: binary })
  @ApiCreatedResponse({ description: 'The new file in Box’s format' })
  @ApiBadRequestResponse({ description: 'Invalid file name or folder id' })
  @ApiConflictResponse({ description: 'An item with that name already exists' })
  upload(
    @Query('folder', new DefaultValuePipe('0'), BoxIdPipe) folderId: string,
    @Query('name', FileNamePipe) name: string,
    @Headers('content-type') contentType = 'application/octet-stream',
    @BodyStream() body: Readable,
  ): Promise<object> {
    return this.uploads.upload({ folderId, name, contentType, body });
  }
}

/** A token for a browser preview, as the portal sends it. */
interface PreviewToken {
  readonly accessToken: string;
  readonly expiresAt: string | undefined;
}

/** Uploaded content must never be displayed as a page of this site. */
function asAttachment(disposition: string | null): string {
  return disposition?.startsWith('attachment') === true ? disposition : 'attachment';
}

/** `fetch` decodes a content-encoding; `content-length` then has the wrong value. */
function lengthIn(headers: Headers): { readonly length?: number } {
  const length = headers.get('content-length');
  return length === null || headers.has('content-encoding') ? {} : { length: Number(length) };
}

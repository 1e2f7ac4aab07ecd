import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AsServiceAccount, BoxFetch } from 'nestjs-box-auth';
import { jsonOf } from '../box/box-response.js';
import { ApiBoxErrors } from '../docs/api-box-errors.decorator.js';
import { AsSignedInUser } from '../sign-in/as-signed-in-user.decorator.js';

const userResponse = {
  description: 'The user in Box’s format',
  schema: {
    example: { type: 'user', id: '11111', name: 'Alice', login: 'alice@example.com' },
  },
};

/** The same call three times: only the decorator decides which user Box sees, and with which token. */
@ApiTags('identity')
@ApiBoxErrors()
@Controller('api')
export class IdentityController {
  constructor(private readonly box: BoxFetch) {}

  @Get('whoami')
  @AsServiceAccount()
  @ApiOperation({ summary: 'The Box user of the app itself (its service account)' })
  @ApiOkResponse(userResponse)
  whoAmI(): Promise<unknown> {
    return jsonOf(this.box('/2.0/users/me'));
  }

  @Get('me')
  @AsSignedInUser()
  @ApiOperation({ summary: 'The Box user of the signed-in person' })
  @ApiOkResponse(userResponse)
  me(): Promise<unknown> {
    return jsonOf(this.box('/2.0/users/me'));
  }

  @Get('me/direct')
  @AsSignedInUser({ via: 'token' })
  @ApiOperation({ summary: 'The same, with a user access token instead of the header as-user' })
  @ApiOkResponse(userResponse)
  meDirectly(): Promise<unknown> {
    return jsonOf(this.box('/2.0/users/me'));
  }
}

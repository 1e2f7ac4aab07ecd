import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AsServiceAccount, BoxFetch } from 'nestjs-box-auth';
import { jsonOf } from '../box/box-answer.js';
import { ApiBoxAnswers } from '../docs/api-box-answers.decorator.js';
import { AsSignedInUser } from '../sign-in/as-signed-in-user.decorator.js';

const aUser = {
  description: 'As Box describes a user',
  schema: {
    example: { type: 'user', id: '11111', name: 'Alice', login: 'alice@example.com' },
  },
};

/** The same call twice: only the decorator decides whom Box sees. */
@ApiTags('identity')
@ApiBoxAnswers()
@Controller('api')
export class IdentityController {
  constructor(private readonly box: BoxFetch) {}

  @Get('whoami')
  @AsServiceAccount()
  @ApiOperation({ summary: 'The user of Box that the app itself is' })
  @ApiOkResponse(aUser)
  whoAmI(): Promise<unknown> {
    return jsonOf(this.box('/2.0/users/me'));
  }

  @Get('me')
  @AsSignedInUser()
  @ApiOperation({ summary: 'The user of Box that the signed-in person is' })
  @ApiOkResponse(aUser)
  me(): Promise<unknown> {
    return jsonOf(this.box('/2.0/users/me'));
  }
}

import { Controller, Get } from '@nestjs/common';
import { AsServiceAccount, BoxFetch } from 'nestjs-box-auth';
import { jsonOf } from '../box/box-answer.js';
import { AsSignedInUser } from '../sign-in/as-signed-in-user.decorator.js';

/** The same call twice: only the decorator decides whom Box sees. */
@Controller('api')
export class IdentityController {
  constructor(private readonly box: BoxFetch) {}

  @Get('whoami')
  @AsServiceAccount()
  whoAmI(): Promise<unknown> {
    return jsonOf(this.box('/2.0/users/me'));
  }

  @Get('me')
  @AsSignedInUser()
  me(): Promise<unknown> {
    return jsonOf(this.box('/2.0/users/me'));
  }
}

import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ActingEnterprise, AsServiceAccount, BoxFetch } from 'nestjs-box-auth';
import { jsonOf } from '../box/box-response.js';
import { ApiBoxErrors } from '../docs/api-box-errors.decorator.js';
import { AsSignedInUser } from '../sign-in/as-signed-in-user.decorator.js';

/** The app has a service account of its own in the enterprise of each tenant. */
@ApiTags('identity')
@ApiBoxErrors()
@Controller('api/tenant')
@AsSignedInUser()
export class TenantController {
  constructor(private readonly box: BoxFetch) {}

  @Get()
  @AsServiceAccount()
  @ApiOperation({
    summary: 'The Box user of the app itself in the enterprise of the signed-in user',
  })
  @ApiOkResponse({
    description: 'The enterprise, and the service account in Box’s format',
    schema: {
      example: {
        enterprise: '7654321',
        serviceAccount: { type: 'user', id: '12345', name: 'Emulated App' },
      },
    },
  })
  async tenant(@ActingEnterprise() enterprise: string | undefined): Promise<Tenant> {
    return { enterprise, serviceAccount: await jsonOf(this.box('/2.0/users/me')) };
  }
}

interface Tenant {
  /** Undefined for users of the enterprise of the credentials. */
  readonly enterprise: string | undefined;
  readonly serviceAccount: unknown;
}

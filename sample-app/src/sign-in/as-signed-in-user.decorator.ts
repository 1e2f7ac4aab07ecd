import { applyDecorators, UseGuards } from '@nestjs/common';
import { ApiSecurity, ApiUnauthorizedResponse } from '@nestjs/swagger';
import { AsUser, ForEnterprise } from 'nestjs-box-auth';
import { DEMO_USER } from '../docs/demo-user.scheme.js';
import { signedInUser } from './portal-request.js';
import { SignInGuard } from './sign-in.guard.js';

/**
 * Requires sign-in, and makes every Box call of the handler act for the signed-in user in the enterprise of the user's company.
 * Both ids come from the user table.
 */
export function AsSignedInUser(): ClassDecorator & MethodDecorator {
  return applyDecorators(
    UseGuards(SignInGuard),
    // Users without an enterprise belong to the one of the credentials.
    ForEnterprise((context) => signedInUser(context)?.enterpriseId, { optional: true }),
    AsUser((context) => signedInUser(context)?.boxId),
    ApiSecurity(DEMO_USER),
    ApiUnauthorizedResponse({ description: 'Not signed in' }),
  );
}

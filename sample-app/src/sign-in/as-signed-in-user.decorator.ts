import { applyDecorators, UseGuards } from '@nestjs/common';
import { ApiSecurity, ApiUnauthorizedResponse } from '@nestjs/swagger';
import { type ActingVia, AsUser, ForEnterprise } from 'nestjs-box-auth';
import { DEMO_USER } from '../docs/demo-user.scheme.js';
import { signedInUser } from './portal-request.js';
import { SignInGuard } from './sign-in.guard.js';

/**
 * Requires sign-in, and makes every Box call of the handler act for the signed-in user in the enterprise of the user's company.
 * Both ids come from the user table. `via: 'token'` uses a token of the user instead of the header `as-user`.
 */
export function AsSignedInUser({
  via = 'header',
}: { readonly via?: ActingVia } = {}): ClassDecorator & MethodDecorator {
  return applyDecorators(
    UseGuards(SignInGuard),
    // Users without an enterprise belong to the one of the credentials.
    ForEnterprise((context) => signedInUser(context)?.enterpriseId, { optional: true }),
    AsUser((context) => signedInUser(context)?.boxId, { via }),
    ApiSecurity(DEMO_USER),
    ApiUnauthorizedResponse({ description: 'Not signed in' }),
  );
}

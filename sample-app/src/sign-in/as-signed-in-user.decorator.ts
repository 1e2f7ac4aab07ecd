import { applyDecorators, type ExecutionContext, UseGuards } from '@nestjs/common';
import { ApiSecurity, ApiUnauthorizedResponse } from '@nestjs/swagger';
import { AsUser } from 'nestjs-box-auth';
import { DEMO_USER } from '../docs/api-docs.js';
import { type PortalRequest } from './portal-request.js';
import { SignInGuard } from './sign-in.guard.js';

/** Requires sign-in, and makes every Box call of the handler act for the signed-in user. */
export function AsSignedInUser(): ClassDecorator & MethodDecorator {
  return applyDecorators(
    UseGuards(SignInGuard),
    AsUser(signedInBoxUser),
    ApiSecurity(DEMO_USER),
    ApiUnauthorizedResponse({ description: 'Not signed in' }),
  );
}

function signedInBoxUser(context: ExecutionContext): string | undefined {
  return context.switchToHttp().getRequest<PortalRequest>().boxUserId;
}

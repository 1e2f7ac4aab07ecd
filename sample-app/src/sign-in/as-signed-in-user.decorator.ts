import { applyDecorators, type ExecutionContext, UseGuards } from '@nestjs/common';
import { AsUser } from 'nestjs-box-auth';
import { type PortalRequest } from './portal-request.js';
import { SignInGuard } from './sign-in.guard.js';

/** Refuses whoever is not signed in, and makes every Box call of the handler act for who is. */
export function AsSignedInUser(): ClassDecorator & MethodDecorator {
  return applyDecorators(UseGuards(SignInGuard), AsUser(signedInBoxUser));
}

function signedInBoxUser(context: ExecutionContext): string | undefined {
  return context.switchToHttp().getRequest<PortalRequest>().boxUserId;
}

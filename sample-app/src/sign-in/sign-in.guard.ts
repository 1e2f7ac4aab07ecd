import {
  type CanActivate,
  type ExecutionContext,
  Injectable,
  UnauthorizedException,
} from '@nestjs/common';
import { DemoUsers } from './demo-users.js';
import { type PortalRequest } from './portal-request.js';
import { userOfSession } from './simulated-session.js';

/** Rejects requests of people who are not signed in. */
@Injectable()
export class SignInGuard implements CanActivate {
  constructor(private readonly users: DemoUsers) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<PortalRequest>();
    const user = userOfSession(request, this.users);
    if (user === undefined) throw new UnauthorizedException('Please sign in.');
    request.user = user;
    return true;
  }
}

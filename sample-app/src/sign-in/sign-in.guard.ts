import {
  type CanActivate,
  type ExecutionContext,
  Injectable,
  UnauthorizedException,
} from '@nestjs/common';
import { DemoUsers } from './demo-users.js';
import { type PortalRequest } from './portal-request.js';

/**
 * Simulates sign-in: the header `x-demo-user` or the cookie `demo-user` names a demo user. A real app verifies a session or a
 * token here. In both cases the server looks up the Box user and the enterprise; the client never names them.
 */
@Injectable()
export class SignInGuard implements CanActivate {
  constructor(private readonly users: DemoUsers) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<PortalRequest>();
    const name = demoUserOf(request);
    const user = name === undefined ? undefined : this.users.find(name);
    if (user === undefined) throw new UnauthorizedException('Please sign in.');
    request.user = user;
    return true;
  }
}

function demoUserOf({ headers }: PortalRequest): string | undefined {
  const name = headers['x-demo-user'];
  if (name !== undefined) return String(name);
  return /(?:^|;) *demo-user=([^;]*)/.exec(headers.cookie ?? '')?.[1];
}

import { type DemoUsers, type SignedInUser } from './demo-users.js';
import { type PortalRequest } from './portal-request.js';

/**
 * Simulates a session: the header `x-demo-user` or the cookie `demo-user` names a demo user. A real app verifies a session or a
 * token here. In both cases the server looks up the user; the client never names a Box user or an enterprise.
 */
export function userOfSession(
  { headers }: PortalRequest,
  users: DemoUsers,
): SignedInUser | undefined {
  const header = headers['x-demo-user'];
  const name =
    header === undefined
      ? /(?:^|;) *demo-user=([^;]*)/.exec(headers.cookie ?? '')?.[1]
      : String(header);
  return name === undefined ? undefined : users.find(name);
}

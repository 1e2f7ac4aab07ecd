import type { EmulatedDrive } from '../drive/emulated-drive.js';
import type { EmulatedApp } from '../emulated-app.js';
import type { EmulatedEnterprise } from './emulated-enterprises.js';
import type { EmulatedUser } from './emulated-users.js';

interface Accounts {
  readonly app: EmulatedApp;
  readonly drive: EmulatedDrive;
}

/** Adds an enterprise. Its service account and each user get a folder and a file of their own. */
export function addEnterprise(enterprise: EmulatedEnterprise, { app, drive }: Accounts): void {
  const { id } = app.enterprises.add(enterprise);
  for (const user of app.users.of(id)) drive.addSampleItems(user);
}

/** Adds a user to an enterprise, with a folder and a file of their own. */
export function addUser(user: EmulatedUser, enterpriseId: string, { app, drive }: Accounts): void {
  const { id } = app.enterprises.get(enterpriseId);
  drive.addSampleItems(app.users.add(user, { enterpriseId: id }));
}

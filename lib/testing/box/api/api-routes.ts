import type { ApiContext, ApiRoute } from './api-route.js';
import { fileVersionRoutes } from './routes/file-versions.routes.js';
import { fileRoutes } from './routes/files.routes.js';
import { folderRoutes } from './routes/folders.routes.js';
import { sharedItemRoutes } from './routes/shared-items.routes.js';
import { trashRoutes } from './routes/trash.routes.js';
import { uploadSessionRoutes } from './routes/upload-sessions.routes.js';
import { uploadRoutes } from './routes/uploads.routes.js';
import { userRoutes } from './routes/users.routes.js';
import { webhookRoutes } from './routes/webhooks.routes.js';

/** All routes below `/2.0` and `/api/2.0`. */
export function apiRoutes(context: ApiContext): readonly ApiRoute[] {
  return [
    ...userRoutes(context),
    ...trashRoutes(context),
    ...folderRoutes(context),
    ...uploadRoutes(context),
    ...uploadSessionRoutes(context),
    ...fileRoutes(context),
    ...fileVersionRoutes(context),
    ...sharedItemRoutes(context),
    ...webhookRoutes(context),
  ];
}

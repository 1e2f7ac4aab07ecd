import { type HttpAnswer, ok } from '../../../http/http-response.js';
import { boxError } from '../../box-responses.js';
import { type ApiContext, type ApiRoute, headerOf, type RouteCall } from '../api-route.js';
import { ItemAccess } from '../item-access.js';
import { fieldsOf } from '../paging.js';
import { render } from '../../representation.js';
import { READ_FILE } from '../scopes.js';

/** The item of a shared link. */
export function sharedItemRoutes({ drive, json }: ApiContext): readonly ApiRoute[] {
  const access = new ItemAccess(drive, json);
  return [{ method: 'GET', path: '/2.0/shared_items', scopes: READ_FILE, respond: show }];

  function show(call: RouteCall): HttpAnswer {
    if (headerOf(call, 'boxapi') === undefined) {
      return boxError(400, 'bad_request', 'Bad Request: the header boxapi is required');
    }
    const item = access.sharedItem(call);
    access.checkChanged(item, call);
    return ok(render(json.representation(item), fieldsOf(call.url)));
  }
}

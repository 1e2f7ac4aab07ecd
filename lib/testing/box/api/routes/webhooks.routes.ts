import * as v from 'valibot';
import { type HttpAnswer, type JsonObject, ok } from '../../../http/http-response.js';
import type { ItemReference } from '../../../http/token-ledger.js';
import { boxError, notFound } from '../../box-responses.js';
import { describeUser } from '../../enterprise/user-json.js';
import { WEBHOOK_TRIGGERS } from '../../../../box/webhooks/webhook-triggers.js';
import type { RegisteredWebhook } from '../../webhooks/webhook-register.js';
import { type ApiContext, ApiRefusal, type ApiRoute, type RouteCall } from '../api-route.js';
import { listPage, pageOf } from '../paging.js';
import { boxTime } from '../../representation.js';
import { boxId, readBody } from '../request-body.js';
import { MANAGE_WEBHOOKS } from '../scopes.js';

const target = v.object({ id: boxId, type: v.picklist(['file', 'folder']) });
const address = v.pipe(v.string(), v.url(), v.startsWith('https://'));
const triggers = v.pipe(v.array(v.picklist(WEBHOOK_TRIGGERS)), v.minLength(1));
const newWebhookBody = v.object({ target, address, triggers });
const changesBody = v.partial(newWebhookBody);

/** Webhooks (v2) of the caller. */
export function webhookRoutes({ app, drive, webhooks }: ApiContext): readonly ApiRoute[] {
  const scopes = MANAGE_WEBHOOKS;
  const list = '/2.0/webhooks';
  const path = `${list}/:id`;
  return [
    { method: 'GET', path: list, scopes, respond: listWebhooks },
    { method: 'POST', path: list, scopes, respond: create },
    { method: 'GET', path, scopes, respond: (call) => ok(describe(webhookOf(call))) },
    { method: 'PUT', path, scopes, respond: change },
    { method: 'DELETE', path, scopes, respond: remove },
  ];

  function listWebhooks({ url, caller }: RouteCall): HttpAnswer {
    return ok(listPage(webhooks.of(caller.user.id), pageOf(url, { marker: 'always' }), mini));
  }

  function create(call: RouteCall): HttpAnswer {
    const body = readBody(newWebhookBody, call.body);
    const userId = call.caller.user.id;
    checkTarget(body.target, userId);
    return { status: 201, body: describe(webhooks.add({ ...body, userId })) };
  }

  function change(call: RouteCall): HttpAnswer {
    const webhook = webhookOf(call);
    const body = readBody(changesBody, call.body);
    if (body.target) checkTarget(body.target, webhook.userId, webhook);
    const changed = {
      ...webhook,
      target: body.target ?? webhook.target,
      address: body.address ?? webhook.address,
      triggers: body.triggers ?? webhook.triggers,
    };
    return ok(describe(webhooks.save(changed)));
  }

  function remove(call: RouteCall): HttpAnswer {
    webhooks.delete(webhookOf(call).id);
    return { status: 204 };
  }

  function webhookOf({ id, caller }: RouteCall): RegisteredWebhook {
    const webhook = webhooks.find(id, caller.user.id);
    if (!webhook) throw new ApiRefusal(notFound());
    return webhook;
  }

  /** The target must exist, and may have one webhook of each user. */
  function checkTarget(item: ItemReference, userId: string, except?: RegisteredWebhook): void {
    if (!drive.find(item, userId)) throw new ApiRefusal(notFound());
    const isTaken = webhooks
      .of(userId)
      .some(
        (one) =>
          one.id !== except?.id && one.target.type === item.type && one.target.id === item.id,
      );
    if (isTaken) {
      throw new ApiRefusal(boxError(409, 'conflict', 'A resource with this value already exists'));
    }
  }

  function describe(webhook: RegisteredWebhook): JsonObject {
    return {
      ...mini(webhook),
      created_by: describeUser(app.users, webhook.userId),
      created_at: boxTime(webhook.createdAtMs),
      address: webhook.address,
      triggers: webhook.triggers,
    };
  }
}

function mini({ id, target: item }: RegisteredWebhook): JsonObject {
  return { type: 'webhook', id, target: item };
}

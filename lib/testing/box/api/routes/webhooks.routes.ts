import * as v from 'valibot';
import { type HttpAnswer, type JsonObject, ok } from '../../../http/http-response.js';
import { boxError, notFound } from '../../box-responses.js';
import { describeUser } from '../../enterprise/user-json.js';
import { WEBHOOK_TRIGGERS } from '../../../../box/webhooks/webhook-triggers.js';
import { addressProblem, targetProblem } from '../../webhooks/webhook-rules.js';
import type { RegisteredWebhook } from '../../webhooks/webhook-register.js';
import { type ApiContext, ApiRefusal, type ApiRoute, type RouteCall } from '../api-route.js';
import { listPage, pageOf } from '../paging.js';
import { boxTime } from '../../representation.js';
import { boxId, readBody } from '../request-body.js';
import { MANAGE_WEBHOOKS } from '../scopes.js';

const target = v.object({ id: boxId, type: v.picklist(['file', 'folder']) });
const address = v.pipe(
  v.string(),
  v.url(),
  v.check(
    (url) => addressProblem(url) === undefined,
    ({ input }) => addressProblem(input) ?? '',
  ),
);
const triggers = v.pipe(v.array(v.picklist(WEBHOOK_TRIGGERS)), v.minLength(1));
const newWebhookBody = v.object({ target, address, triggers });
const changesBody = v.partial(newWebhookBody);

/** Webhooks (v2) of the caller. */
export function webhookRoutes(context: ApiContext): readonly ApiRoute[] {
  const { app, drive, webhooks, webhookEvents } = context;
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
    const { token, user } = call.caller;
    checkTarget(body, user.id);
    const { connectionId } = token;
    return {
      status: 201,
      body: describe(webhooks.add({ ...body, userId: user.id, connectionId })),
    };
  }

  function change(call: RouteCall): HttpAnswer {
    const webhook = webhookOf(call);
    const body = readBody(changesBody, call.body);
    const changed = {
      ...webhook,
      target: body.target ?? webhook.target,
      address: body.address ?? webhook.address,
      triggers: body.triggers ?? webhook.triggers,
    };
    checkTarget(changed, webhook.userId, webhook);
    return ok(describe(webhooks.save(changed)));
  }

  function remove(call: RouteCall): HttpAnswer {
    const webhook = webhookOf(call);
    webhooks.delete(webhook.id);
    webhookEvents.reportDeleted(webhook, call.caller.user.id);
    return { status: 204 };
  }

  function webhookOf({ id, caller }: RouteCall): RegisteredWebhook {
    const webhook = webhooks.find(id, caller.user.id);
    if (!webhook) throw new ApiRefusal(notFound());
    return webhook;
  }

  /** The target must exist, and may have one webhook of each user. */
  function checkTarget(
    { target: item, triggers: wanted }: Pick<RegisteredWebhook, 'target' | 'triggers'>,
    userId: string,
    except?: RegisteredWebhook,
  ): void {
    if (!drive.find(item, userId)) throw new ApiRefusal(notFound());
    const problem = targetProblem(item, wanted);
    if (problem !== undefined) {
      throw new ApiRefusal(boxError(400, 'bad_request', `Bad Request: ${problem}`));
    }
    const existing = webhooks.findFor(item, userId);
    if (existing && existing.id !== except?.id) {
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

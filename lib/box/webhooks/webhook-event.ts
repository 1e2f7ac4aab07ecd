import type { BoxWebhookTrigger } from './webhook-triggers.js';

/** An object of Box in an event: its type and id, and the fields that Box sends with it. */
export interface BoxWebhookObject<Type extends string = string> {
  readonly type: Type;
  readonly id: string;
  readonly [field: string]: unknown;
}

/** The user whose action triggered an event. */
export interface BoxWebhookUser extends BoxWebhookObject<'user'> {
  readonly name?: string;
  readonly login?: string;
}

/** A file or folder in an event. */
export interface BoxWebhookItem<
  Type extends 'file' | 'folder' = 'file' | 'folder',
> extends BoxWebhookObject<Type> {
  readonly name?: string;
  readonly etag?: string | null;
  readonly parent?: BoxWebhookObject<'folder'> | null;
}

/**
 * The fields of every event. `trigger` and the id of the webhook are checked. Box documents the others for every event, but its
 * own samples leave some of them out.
 */
export interface BoxWebhookFields {
  readonly type?: 'webhook_event';
  /** Identifies the event: the same in each delivery of it. */
  readonly id?: string;
  /** When the event was triggered, as RFC 3339 text. */
  readonly created_at?: string;
  /** The webhook that the event belongs to. Its id is the only way to find the tenant. */
  readonly webhook: { readonly id: string; readonly type?: 'webhook' };
  readonly created_by?: BoxWebhookUser;
  /** Details of some triggers. A list if there are none. */
  readonly additional_info?: Readonly<Record<string, unknown>> | readonly unknown[];
}

type TriggerOf<Resource extends string> = Extract<BoxWebhookTrigger, `${Resource}.${string}`>;

/** A file was changed. */
export interface BoxFileEvent extends BoxWebhookFields {
  readonly trigger: TriggerOf<'FILE'>;
  readonly source: BoxWebhookItem<'file'>;
}

/** A folder was changed. */
export interface BoxFolderEvent extends BoxWebhookFields {
  readonly trigger: TriggerOf<'FOLDER'>;
  readonly source: BoxWebhookItem<'folder'>;
}

/** A comment was changed. */
export interface BoxCommentEvent extends BoxWebhookFields {
  readonly trigger: TriggerOf<'COMMENT'>;
  readonly source: BoxWebhookObject<'comment'>;
}

/** A task was assigned, or its assignment was changed. */
export interface BoxTaskAssignmentEvent extends BoxWebhookFields {
  readonly trigger: TriggerOf<'TASK_ASSIGNMENT'>;
  readonly source: BoxWebhookObject<'task_assignment'>;
}

/** A collaboration was changed. */
export interface BoxCollaborationEvent extends BoxWebhookFields {
  readonly trigger: TriggerOf<'COLLABORATION'>;
  readonly source: BoxWebhookObject<'collaboration'>;
}

/** The metadata or the shared link of an item was changed. */
export interface BoxItemDetailsEvent extends BoxWebhookFields {
  readonly trigger: TriggerOf<'METADATA_INSTANCE' | 'SHARED_LINK'>;
  readonly source: BoxWebhookObject;
}

/** A request for signatures was changed. `additional_info` has its id. */
export interface BoxSignRequestEvent extends BoxWebhookFields {
  readonly trigger: TriggerOf<'SIGN_REQUEST'>;
  readonly source: BoxWebhookObject;
}

/** The webhook was deleted. `additional_info.reason` is `auto_cleanup` if Box did so because deliveries had failed for weeks. */
export interface BoxWebhookDeletedEvent extends BoxWebhookFields {
  readonly trigger: TriggerOf<'WEBHOOK'>;
  readonly source?: BoxWebhookObject;
}

/**
 * An event that Box does not describe, because the tokens of the user who created the webhook have expired:
 * https://developer.box.com/guides/webhooks/v2/limitations-v2/.
 */
export interface BoxNoActiveSessionEvent extends Omit<BoxWebhookFields, 'webhook'> {
  readonly trigger: 'NO_ACTIVE_SESSION';
  readonly webhook?: BoxWebhookFields['webhook'];
  readonly source?: BoxWebhookObject;
}

/** Never exists at run time. Unlike `string`, its type does not contain the known triggers, so these narrow the event. */
declare enum OtherTrigger {
  Unknown = 'unknown',
}

/**
 * An event with a trigger that this version of the package does not know. Assign `trigger` to a variable of the type `string` to
 * compare it.
 */
export interface UnknownBoxWebhookEvent extends BoxWebhookFields {
  /** Any string. */
  readonly trigger: OtherTrigger;
  readonly source?: unknown;
}

/**
 * A verified event, discriminated by `trigger`: https://developer.box.com/guides/webhooks/triggers/.
 *
 * @example
 * ```ts
 * import type { BoxWebhookEvent } from 'nestjs-box-auth/webhooks';
 *
 * function describe(event: BoxWebhookEvent): string {
 *   switch (event.trigger) {
 *     case 'FILE.UPLOADED':
 *       return `New file: ${event.source.name}`;
 *     case 'COLLABORATION.CREATED':
 *       return `New collaboration: ${event.source.id}`;
 *     default:
 *       return event.trigger;
 *   }
 * }
 * ```
 */
export type BoxWebhookEvent =
  | BoxFileEvent
  | BoxFolderEvent
  | BoxCommentEvent
  | BoxTaskAssignmentEvent
  | BoxCollaborationEvent
  | BoxItemDetailsEvent
  | BoxSignRequestEvent
  | BoxWebhookDeletedEvent
  | BoxNoActiveSessionEvent
  | UnknownBoxWebhookEvent;

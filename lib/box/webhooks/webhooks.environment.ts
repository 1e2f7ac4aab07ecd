import { readVariable, type Variables } from '../../core/app/environment-variables.js';

/** The keys in the environment. An empty variable counts as unset. */
export interface WebhookEnvironment {
  readonly primaryKey: string | undefined;
  readonly secondaryKey: string | undefined;
}

export function webhookKeysIn(variables: Variables): WebhookEnvironment {
  return {
    primaryKey: readVariable(variables, 'BOX_WEBHOOK_PRIMARY_KEY'),
    secondaryKey: readVariable(variables, 'BOX_WEBHOOK_SECONDARY_KEY'),
  };
}

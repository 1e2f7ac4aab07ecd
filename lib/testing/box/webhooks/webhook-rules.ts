import { isLoopback } from '../../../core/http/url-rules.js';
import type { ItemReference } from '../../http/token-ledger.js';
import { ROOT_FOLDER_ID } from '../drive/drive-items.js';

/**
 * Returns why Box does not accept an address: it must be https, and not at Box itself. Unlike Box, the emulator accepts http on
 * loopback.
 */
export function addressProblem(address: string): string | undefined {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const isAllowed =
    url !== undefined &&
    (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))) &&
    !/(?:^|\.)box\.com$/.test(url.hostname);
  return isAllowed
    ? undefined
    : `expected an https URL that is not at box.com, or http on loopback, received ${JSON.stringify(address)}`;
}

/**
 * Returns why Box does not accept a target, or a trigger of it: the root folder has no webhooks, and some triggers are for
 * folders only (https://developer.box.com/guides/webhooks/triggers/).
 */
export function targetProblem(
  target: ItemReference,
  triggers: readonly string[],
): string | undefined {
  if (target.type === 'folder') {
    return target.id === ROOT_FOLDER_ID ? 'the root folder cannot have a webhook' : undefined;
  }
  const wrong = triggers.find((trigger) =>
    /^(?:COLLABORATION|FOLDER)\.|^FILE\.UPLOADED$/.test(trigger),
  );
  return wrong === undefined ? undefined : `${wrong} is for folders only`;
}

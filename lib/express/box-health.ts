import type { BoxAuth } from '../box/box-auth.js';
import type { SubjectTokenDemand } from '../core/tokens/token-cache.js';
import { type TokenHealth, tokenHealth } from '../core/app/token-health.js';

/**
 * Whether there is a token for calls to Box. Contains no token and no id.
 *
 * | `state` | `status` | Token |
 * | --- | --- | --- |
 * | `healthy` | `up` | available |
 * | `degraded` | `degraded` | the old one until `expiresAt`; it cannot be refreshed |
 * | `down` | `down` | missing |
 */
export type BoxHealth = { readonly status: 'up' | 'degraded' | 'down' } & TokenHealth;

/** Options of a health check. */
export interface BoxHealthOptions {
  /** The number of milliseconds that a check waits for a token if none is cached: a whole number. Default 2,000. */
  readonly timeoutMs?: number | undefined;
  /** The enterprise id of a tenant, whose token is checked instead. Default: the app itself. */
  readonly enterprise?: string | undefined;
}

/**
 * Checks the token of the app itself, or of a tenant.
 *
 * @throws BoxAuthError `option_invalid`
 */
export async function boxHealth(
  { tokens, provider }: BoxAuth,
  options: BoxHealthOptions = {},
): Promise<BoxHealth> {
  const app = {
    getToken: (demand: SubjectTokenDemand) =>
      demand.subject === undefined ? tokens.get(demand) : provider.getToken(demand),
    tokens,
  };
  const health = await tokenHealth(app, options, 'box.health');
  return { status: health.state === 'healthy' ? 'up' : health.state, ...health };
}

import { NetworkSession } from 'box-node-sdk/networking';
import { BoxAuthError } from '../core/errors/box-auth.error.js';

/** The default agent of a session, which belongs to node-fetch. */
const defaultAgent: unknown = new NetworkSession({}).agent;

/**
 * Rejects a session with a proxy, an agent or agent options: they are for node-fetch, and would be ignored here.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function checkAgent(session: NetworkSession): void {
  if (!hasCustomAgent(session)) return;
  throw new BoxAuthError({
    code: 'option_invalid',
    message:
      'The network session of this Box client has a proxy or agent options. Only the SDK’s own network client supports these, not BoxSdkNetworkClient.',
    hint: 'Pass `fetch` to BoxAuthModule.forRoot instead: the fetch of undici, with a ProxyAgent or an Agent as its dispatcher. It then serves token requests, too.',
    docs: 'https://undici.nodejs.org/#/docs/api/ProxyAgent',
  });
}

/** `withCustomAgentOptions` of a session sets `agentOptions` and leaves the agent unchanged. */
function hasCustomAgent(session: NetworkSession): boolean {
  const agent: unknown = session.agent;
  return (
    session.proxyConfig !== undefined ||
    session.agentOptions !== undefined ||
    typeof agent !== typeof defaultAgent ||
    Object.getPrototypeOf(agent) !== Object.getPrototypeOf(defaultAgent) ||
    optionsOf(agent) !== undefined
  );
}

function optionsOf(agent: unknown): unknown {
  return typeof agent === 'object' && agent !== null && 'connectOpts' in agent
    ? agent.connectOpts
    : undefined;
}

import { NetworkSession } from 'box-node-sdk/networking';

/** Of node-fetch: what a session has by itself. */
const standard: unknown = new NetworkSession({}).agent;

/** Whether the app gave the session an agent, options for one, or a proxy. `withCustomAgentOptions` leaves the agent alone. */
export function hasAgentOfItsOwn(session: NetworkSession): boolean {
  const agent: unknown = session.agent;
  return (
    session.proxyConfig !== undefined ||
    session.agentOptions !== undefined ||
    typeof agent !== typeof standard ||
    Object.getPrototypeOf(agent) !== Object.getPrototypeOf(standard) ||
    optionsOf(agent) !== undefined
  );
}

function optionsOf(agent: unknown): unknown {
  return typeof agent === 'object' && agent !== null && 'connectOpts' in agent
    ? agent.connectOpts
    : undefined;
}

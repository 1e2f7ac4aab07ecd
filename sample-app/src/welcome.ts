export interface Welcome {
  readonly url: string;
  readonly platform: string;
  readonly onEmulator: boolean;
  /** The names of the demo users. */
  readonly names: readonly string[];
}

/** The text that the app prints after it has started, with calls to copy. */
export function welcome({ url, platform, onEmulator, names }: Welcome): string {
  const box = onEmulator ? 'a Box emulator, no account needed' : 'the real Box';
  const [first, second = first] = names;
  const last = names.at(-1);
  const calls =
    first === undefined || second === undefined || last === undefined
      ? [
          `curl ${url}/api/whoami`,
          '',
          'To sign in, name users of your Box enterprise: DEMO_USERS=alice:123,bob:456 npm start',
        ]
      : [
          `curl ${url}/api/whoami`,
          `curl -H 'x-demo-user: ${first}' ${url}/api/me`,
          `curl -H 'x-demo-user: ${second}' ${url}/api/folders/0/items`,
          `curl -H 'x-demo-user: ${last}' ${url}/api/tenant`,
        ];
  return `
The document portal listens at ${url} (${platform}, on ${box}).

Open it in a browser, or try:
${calls.map((call) => `  ${call}`.trimEnd()).join('\n')}

See also:
  ${url}/docs        all routes, to try out
  ${url}/health      whether a token for Box is available
  ${url}/api/events  the latest and all new token events

Press Ctrl-C to stop.
`;
}

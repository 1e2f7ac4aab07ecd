export interface Welcome {
  readonly url: string;
  readonly platform: string;
  readonly onEmulator: boolean;
  /** Who may sign in. */
  readonly names: readonly string[];
}

/** What the app prints when it has started. The calls are meant to be pasted. */
export function welcome({ url, platform, onEmulator, names }: Welcome): string {
  const box = onEmulator ? 'an emulator of Box: no account needed' : 'the real Box';
  const [first, second = first] = names;
  const calls =
    first === undefined || second === undefined
      ? [
          `curl ${url}/api/whoami`,
          '',
          'To sign in, name users of your Box: DEMO_USERS=alice:123,bob:456 npm start',
        ]
      : [
          `curl ${url}/api/whoami`,
          `curl -H 'x-demo-user: ${first}' ${url}/api/me`,
          `curl -H 'x-demo-user: ${second}' ${url}/api/folders/0/items`,
        ];
  return `
The document portal is at ${url} (${platform}, on ${box}).

Try:
${calls.map((call) => `  ${call}`.trimEnd()).join('\n')}

Look at:
  ${url}/docs        every route, to be tried out
  ${url}/health      whether Box can be called
  ${url}/api/events  what happened last to the app's tokens, and what happens

Ctrl-C stops it.
`;
}

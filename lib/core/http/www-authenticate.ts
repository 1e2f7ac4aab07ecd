/** The parts of a response that show whether it refuses the token. */
export interface ResponseHead {
  readonly status: number;
  /** The value of `WWW-Authenticate`. */
  readonly challenge: string | null | undefined;
  /** Resolves when the body begins or ends. Called only if the challenge names no error. */
  readonly isEmpty: () => boolean | Promise<boolean>;
}

/** One challenge of a `WWW-Authenticate` header (RFC 9110, section 11.6.1). */
export interface Challenge {
  /** In lower case. Empty if the header starts with a parameter: some gateways omit the scheme. */
  readonly scheme: string;
  /** By lower-case name. */
  readonly parameters: ReadonlyMap<string, string>;
  /** The credentials of a scheme that has no parameters, such as Negotiate. */
  readonly token68?: string;
}

/** A parameter, a quoted string without a name (to skip), a comma, or a word: a scheme or a token68. */
const PART =
  /(?<name>[\w!#$%&'*+.^`|~-]+)[ \t]*=[ \t]*(?:"(?<quoted>(?:[^"\\]|\\.)*)"?|(?<plain>[^\s,"=][^\s,"]*))|"(?:[^"\\]|\\.)*"?|,|(?<word>[^\s,"]+)/g;
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/**
 * Parses the value of a `WWW-Authenticate` header, or several joined by commas, in linear time. Skips what does not fit the
 * grammar; of a repeated parameter the first counts.
 */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string>; token68?: string }[] = [];
  const open = (scheme: string) => {
    const challenge = { scheme, parameters: new Map<string, string>() };
    challenges.push(challenge);
    return challenge;
  };
  let isAfterScheme = false;
  for (const { groups = {} } of header.matchAll(PART)) {
    const { name, quoted, plain = '', word = '' } = groups;
    const current = challenges.at(-1);
    const isScheme: boolean = !isAfterScheme && TOKEN.test(word);
    if (name !== undefined) {
      const { parameters } = current ?? open('');
      const key = name.toLowerCase();
      if (!parameters.has(key)) parameters.set(key, quoted?.replace(/\\(.)/g, '$1') ?? plain);
    } else if (isScheme) {
      open(word.toLowerCase());
    } else if (word !== '' && isAfterScheme && current !== undefined) {
      current.token68 = word;
    }
    isAfterScheme = isScheme;
  }
  return challenges;
}

/** The `error` of each Bearer challenge (RFC 6750, section 3). A challenge without a scheme counts as Bearer. */
export function bearerErrors(header: string | null | undefined): readonly string[] {
  return parseChallenges(header ?? '')
    .filter(({ scheme }) => scheme === 'bearer' || scheme === '')
    .map(({ parameters }) => parameters.get('error'))
    .filter((error) => error !== undefined);
}

/** Whether a response refuses a bearer token: by RFC 6750, section 3.1, or as a 401 without an error and a body. */
export function refusesBearer({
  status,
  challenge,
  isEmpty,
}: ResponseHead): boolean | Promise<boolean> {
  if (status !== 401) return false;
  const errors = bearerErrors(challenge);
  return errors.length === 0 ? isEmpty() : errors.includes('invalid_token');
}

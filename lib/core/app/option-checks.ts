import { isRecord, plain } from '../credentials/field-checks.js';
import { BoxAuthError } from '../errors/box-auth.error.js';
import { isLoopback } from '../http/url-rules.js';

const DOCS = 'https://docs.nestjs.com/modules#dynamic-modules';

/** @throws BoxAuthError `option_invalid` */
export function checkBoolean(name: string, value: unknown): void {
  if (typeof value !== 'boolean') throw invalidOption(name, undefined, 'true or false');
}

/** @throws BoxAuthError `option_invalid` unless it is one of those that are known */
export function checkOneOf<T extends string>(name: string, known: readonly T[], given: T): T {
  if (known.includes(given)) return given;
  throw invalidOption(name, undefined, known.map((value) => `'${value}'`).join(' or '));
}

/** @throws BoxAuthError `option_invalid` unless it is a whole number from 1 to `most` */
export function wholeFromOne(name: string, value: number, most: number): number {
  if (!Number.isSafeInteger(value) || value < 1 || value > most)
    throw invalidOption(name, value, `a whole number from 1 to ${most}`);
  return value;
}

/**
 * `invalid` makes the error, for what is no option.
 *
 * @throws BoxAuthError `option_invalid` unless it is the address of somewhere that may see tokens
 */
export function checkedUrl(name: string, value: string, invalid = invalidOption): URL {
  if (/^["']/.test(value)) throw invalid(name, undefined, 'an address without quotes around it');
  // The parser drops line breaks and tabs: what is checked here would not be what was written.
  const isOneWord = typeof value === 'string' && !/[\s\p{Cc}]/u.test(value.trim());
  const url = isOneWord && URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw invalid(name, undefined, 'an absolute URL, with https:// before the host');
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw invalid(name, undefined, 'an absolute URL without user, query or fragment');
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw invalid(
      name,
      url.origin,
      'an https URL: plain http would show tokens to the network, and is taken on loopback only',
    );
  }
  return url;
}

/**
 * Of the options as a whole: what was passed to `of`, or what that returned.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function checkOptions(of: string, options: unknown): void {
  if (isRecord(options)) return;
  throw new BoxAuthError({
    code: 'option_invalid',
    message: `The options of ${of} are ${options === null ? 'null' : Array.isArray(options) ? 'a list' : `of type ${typeof options}`}, expected an object.`,
    hint: `Pass an object to ${of}, or nothing at all where the environment has everything.`,
    docs: DOCS,
  });
}

/** An option that there is not: mistyped, most likely. */
export function unknownOption(name: string, known: readonly string[]): BoxAuthError {
  const own = name.slice(name.lastIndexOf('.') + 1);
  const meant = known.find((other) => plain(other) === plain(own));
  return new BoxAuthError({
    code: 'option_invalid',
    message: `There is no option ${name}. There are: ${known.join(', ')}.`,
    hint:
      meant === undefined
        ? `Take ${name} out, or see which of these is meant.`
        : `Write ${meant} in the place of ${own}.`,
    docs: DOCS,
  });
}

export function invalidOption(name: string, found: unknown, expected: string): BoxAuthError {
  // A string may be a secret in the wrong place.
  const shown = typeof found === 'number' ? `: found ${found}` : '';
  return new BoxAuthError({
    code: 'option_invalid',
    message: `The option ${name} is not valid${shown}, expected ${expected}.`,
    hint: `Mend ${name} where the options are set: forRoot, what makes them for forRootAsync, or boxAuth of Express.`,
    docs: DOCS,
  });
}

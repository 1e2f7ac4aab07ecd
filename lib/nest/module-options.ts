import { checkBoolean, checkOptions, invalidOption } from '../core/app/option-checks.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';

const DOCS = 'https://docs.nestjs.com/modules#dynamic-modules';

/** One of these gives the options of `forRootAsync`. */
const SOURCES = ['useFactory', 'useClass', 'useExisting'];
const BESIDE_A_SOURCE = ['imports', 'inject', 'provideInjectionTokensFrom'];

/**
 * What is given to `forRootAsync`; `extras` names what may stand beside a factory of ours.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function checkAsyncOptions(
  moduleName: string,
  given: object,
  extras: readonly string[],
): void {
  checkOptions(`${moduleName}.forRootAsync`, given);
  const known = [...SOURCES, ...BESIDE_A_SOURCE, ...extras];
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw misplaced(
      `${moduleName}.forRootAsync takes no ${unknown}, but ${known.join(', ')}.`,
      `If ${unknown} is one of forRoot's options, return it from the factory.`,
    );
  }
  const source = SOURCES.find((name) => Reflect.get(given, name) !== undefined);
  if (source === undefined) {
    throw misplaced(
      `${moduleName}.forRootAsync was given none of ${SOURCES.join(', ')}.`,
      'Give it a useFactory that returns the options.',
    );
  }
  if (typeof Reflect.get(given, source) !== 'function') {
    throw invalidOption(source, undefined, source === 'useFactory' ? 'a function' : 'a class');
  }
}

/**
 * What a factory has returned: what stands beside it is of no use in there.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function checkReturnedOptions(
  moduleName: string,
  returned: object,
  extras: readonly string[],
): void {
  checkOptions(moduleName, returned);
  const extra = extras.find((name) => name in returned);
  if (extra === undefined) return;
  throw misplaced(
    `The factory of forRootAsync returned ${extra}, which stands beside it.`,
    `Write ${extra} next to useFactory.`,
  );
}

/** @throws BoxAuthError `option_invalid` */
export function checkExtras({ name, isGlobal }: { name?: unknown; isGlobal?: unknown }): void {
  if (name !== undefined && (typeof name !== 'string' || name === '')) {
    throw invalidOption('name', undefined, 'a text that is not empty');
  }
  checkBoolean('isGlobal', isGlobal);
}

function misplaced(message: string, hint: string): BoxAuthError {
  return new BoxAuthError({ code: 'option_invalid', message, hint, docs: DOCS });
}

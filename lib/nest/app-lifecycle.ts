import { Logger } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { checkOneOf } from '../core/app/option-checks.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { EventLog } from './event-log.js';
import type { AuthEvent } from '../core/events/auth-events.js';

/** Whether the first token is minted at bootstrap. */
export type WarmUp = 'off' | 'try' | 'require';

/** @throws BoxAuthError `option_invalid` */
export function checkWarmUp(warmUp: WarmUp | undefined): void {
  checkOneOf('warmUp', ['off', 'try', 'require'], warmUp ?? 'off');
}

/** The class of a module stands in `imports`, where what `forRoot` returns should. */
export function importedBare(moduleName: string): BoxAuthError {
  return new BoxAuthError({
    code: 'option_invalid',
    message: `${moduleName} is imported as it is, without forRoot(): it provides nothing then.`,
    hint: `Write ${moduleName}.forRoot() into the imports, or forRootAsync(…). Where only its providers are needed it need not be imported, as it is global.`,
    docs: 'https://docs.nestjs.com/modules#dynamic-modules',
  });
}

interface App {
  readonly events: Observable<AuthEvent>;
  keepWarm(): void;
  close(): void;
}

/** What a module does from bootstrap to shutdown, whoever issues the tokens. */
export class AppLifecycle {
  readonly #logger: Logger;

  /** `app` is undefined where a test put an object of its own in the place of the provider. */
  constructor(
    moduleName: string,
    private readonly app: App | undefined,
    private readonly provider: { getToken(): Promise<unknown> },
  ) {
    this.#logger = new Logger(moduleName);
  }

  async begin(warmUp: WarmUp): Promise<void> {
    const log = new EventLog(this.#logger);
    this.app?.events.subscribe((event) => log.write(event));
    if (warmUp === 'off') return;
    try {
      await this.provider.getToken();
    } catch (error) {
      if (warmUp === 'require' || !(error instanceof BoxAuthError)) {
        this.app?.close();
        throw error;
      }
      this.#logger.warn(
        'There is no token at the start, for the reason above. The app starts all the same; calls will try again.',
      );
    }
  }

  keepWarm(): void {
    this.app?.keepWarm();
  }

  end(): void {
    this.app?.close();
  }
}

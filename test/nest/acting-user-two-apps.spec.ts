import {
  type CallHandler,
  Controller,
  type ExecutionContext,
  Get,
  type INestApplication,
  Injectable,
  type NestInterceptor,
  UseInterceptors,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { retry } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  ActingUser,
  AsServiceAccount,
  AsUser,
  BoxAuthModule,
  BoxFetch,
  BoxTokenProvider,
  InjectBoxFetch,
  InjectBoxTokenProvider,
} from 'nestjs-box-auth';
import { BoxEmulator } from 'nestjs-box-auth/testing';

const ALICE = '11111';
const BOB = '22222';
const ME = '/2.0/users/me';

@Injectable()
class RetryInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(retry(1));
  }
}

@Injectable()
class AsBobInterceptor implements NestInterceptor {
  constructor(private readonly provider: BoxTokenProvider) {}

  intercept(_context: ExecutionContext, next: CallHandler) {
    return this.provider.runAs(BOB, () => next.handle());
  }
}

@Controller('alice')
@AsUser(ALICE)
class AliceController {
  #attempts = 0;

  constructor(
    private readonly box: BoxFetch,
    private readonly provider: BoxTokenProvider,
    @InjectBoxFetch('hr') private readonly hr: BoxFetch,
    @InjectBoxTokenProvider('hr') private readonly hrProvider: BoxTokenProvider,
  ) {}

  @Get()
  async both() {
    await this.callBoth();
  }

  @Get('robot')
  @AsServiceAccount()
  async robot() {
    await this.callBoth();
  }

  @Get('run-as')
  async runAs(@ActingUser() id: string) {
    await this.hrProvider.runAs(BOB, () => this.callBoth());
    await this.provider.runAs(BOB, () => this.callBoth());
    await this.callBoth();
    return { id };
  }

  @Get('robot-run-as')
  @AsServiceAccount()
  async robotRunAs() {
    await this.hrProvider.runAs(BOB, () => this.callBoth());
  }

  @Get('retried')
  @AsUser(ALICE)
  @UseInterceptors(RetryInterceptor)
  async retried() {
    await this.callBoth();
    if (++this.#attempts === 1) throw new Error('the first attempt fails');
  }

  private callBoth(): Promise<unknown> {
    return Promise.all([this.box(ME), this.hr(ME)]);
  }
}

@Controller('retried')
@UseInterceptors(RetryInterceptor)
class RetriedController {
  #attempts = 0;

  constructor(private readonly box: BoxFetch) {}

  @Get()
  @AsUser(ALICE)
  async get() {
    await this.box(ME);
    if (++this.#attempts === 1) throw new Error('the first attempt fails');
  }
}

@Controller('between')
@UseInterceptors(AsBobInterceptor)
@AsUser(ALICE)
class BetweenController {
  constructor(private readonly box: BoxFetch) {}

  @Get()
  @AsUser(ALICE)
  async get() {
    await this.box(ME);
  }
}

describe('With two Box apps in one Nest app', () => {
  let main: BoxEmulator;
  let hr: BoxEmulator;
  let app: INestApplication;
  let url: string;
  beforeAll(async () => {
    [main, hr] = await Promise.all([BoxEmulator.start(), BoxEmulator.start()]);
    const testing = await Test.createTestingModule({
      imports: [
        BoxAuthModule.forRoot({ credentials: { config: main.config }, apiUrl: main.url }),
        BoxAuthModule.forRoot({ name: 'hr', credentials: { config: hr.config }, apiUrl: hr.url }),
      ],
      controllers: [AliceController, RetriedController, BetweenController],
    }).compile();
    app = testing.createNestApplication();
    app.useLogger(false);
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });
  beforeEach(() => {
    main.clearRequests();
    hr.clearRequests();
  });
  afterAll(async () => {
    await app.close();
    await Promise.all([main.stop(), hr.stop()]);
  });

  /** Whom the calls of each app acted for. */
  async function calls(path: string): Promise<unknown> {
    expect((await fetch(`${url}${path}`)).status).toBe(200);
    return [main, hr].map(({ apiRequests }) => apiRequests.map(({ actingUser }) => actingUser));
  }

  it('@AsUser and @AsServiceAccount apply to the calls of both apps', async () => {
    expect(await calls('/alice')).toEqual([[ALICE], [ALICE]]);
    main.clearRequests();
    hr.clearRequests();
    expect(await calls('/alice/robot')).toEqual([[undefined], [undefined]]);
  });

  it('runAs sets the user of its own app, and the other app keeps the handler’s', async () => {
    expect(await calls('/alice/run-as')).toEqual([
      [ALICE, BOB, ALICE],
      [BOB, ALICE, ALICE],
    ]);
  });

  it('runAs in a handler with @AsServiceAccount leaves the other app with the service account', async () => {
    expect(await calls('/alice/robot-run-as')).toEqual([[undefined], [BOB]]);
  });

  it.each(['/retried', '/alice/retried'])(
    'a handler that an interceptor repeats acts for its user each time: %s',
    async (path) => {
      const [ofMain] = (await calls(path)) as string[][];
      expect(ofMain).toEqual([ALICE, ALICE]);
    },
  );

  it('the user that an interceptor sets between two decorators is kept', async () => {
    expect(await calls('/between')).toEqual([[BOB], []]);
  });
});

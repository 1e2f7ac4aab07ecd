import { Controller, type ExecutionContext, Get } from '@nestjs/common';
import { HttpService } from '@nestjs/axios';
import { Test, type TestingModule } from '@nestjs/testing';
import { BoxClient } from 'box-node-sdk';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AsUser, BoxAuthModule, BoxFetch, BoxTokenProvider } from 'nestjs-box-auth';
import { BoxHttpModule } from 'nestjs-box-auth/axios';
import { BoxSdkModule } from 'nestjs-box-auth/sdk';

@Controller()
@AsUser((context: ExecutionContext) => context.getClass().name)
class Files {
  constructor(readonly box: BoxFetch) {}
  @Get() get() {
    return {};
  }
}

let app: TestingModule;
beforeAll(async () => {
  app = await Test.createTestingModule({
    imports: [
      BoxAuthModule.forRoot({ credentials: { developerToken: 'token' } }),
      BoxHttpModule,
      BoxSdkModule,
    ],
    controllers: [Files],
  }).compile();
});
afterAll(() => app.close());

it.each([BoxTokenProvider, BoxFetch, HttpService, BoxClient, Files])(
  '%o is one for all requests, with @AsUser, too',
  (token) => {
    // What is request-scoped, or depends on something that is, throws here.
    expect(app.get<object>(token, { strict: false })).toBeDefined();
  },
);

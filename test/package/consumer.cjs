require('reflect-metadata');
const { HttpService } = require('@nestjs/axios');
const { NestFactory } = require('@nestjs/core');
const { BoxAuthModule, BoxFetch, BoxTokenProvider } = require('nestjs-box-auth');
const { BoxHttpModule } = require('nestjs-box-auth/axios');
const { BoxEmulator } = require('nestjs-box-auth/testing');
const { firstValueFrom } = require('rxjs');
const callBox = require('./call-box.cjs');

void callBox({
  BoxAuthModule,
  BoxEmulator,
  BoxFetch,
  BoxHttpModule,
  BoxTokenProvider,
  firstValueFrom,
  HttpService,
  NestFactory,
});

require('reflect-metadata');
const { HttpService } = require('@nestjs/axios');
const { ConfigModule } = require('@nestjs/config');
const { NestFactory } = require('@nestjs/core');
const {
  BoxAuthModule,
  boxEnvironmentSchema,
  BoxFetch,
  BoxTokenProvider,
} = require('nestjs-box-auth');
const { BoxHttpModule } = require('nestjs-box-auth/axios');
const { BoxEmulator } = require('nestjs-box-auth/testing');
const { firstValueFrom } = require('rxjs');
const callBox = require('./call-box.cjs');

void callBox({
  BoxAuthModule,
  boxEnvironmentSchema,
  BoxEmulator,
  BoxFetch,
  BoxHttpModule,
  BoxTokenProvider,
  ConfigModule,
  firstValueFrom,
  HttpService,
  NestFactory,
});

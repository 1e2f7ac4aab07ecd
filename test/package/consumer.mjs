import 'reflect-metadata';
import { HttpService } from '@nestjs/axios';
import { ConfigModule } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import { BoxAuthModule, boxEnvironmentSchema, BoxFetch, BoxTokenProvider } from 'nestjs-box-auth';
import { BoxHttpModule } from 'nestjs-box-auth/axios';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { firstValueFrom } from 'rxjs';
import callBox from './call-box.cjs';

await callBox({
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

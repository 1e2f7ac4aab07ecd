import 'reflect-metadata';
import { HttpService } from '@nestjs/axios';
import { NestFactory } from '@nestjs/core';
import { BoxAuthModule, BoxFetch, BoxTokenProvider } from 'nestjs-box-auth';
import { BoxHttpModule } from 'nestjs-box-auth/axios';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { firstValueFrom } from 'rxjs';
import callBox from './call-box.cjs';

await callBox({
  BoxAuthModule,
  BoxEmulator,
  BoxFetch,
  BoxHttpModule,
  BoxTokenProvider,
  firstValueFrom,
  HttpService,
  NestFactory,
});

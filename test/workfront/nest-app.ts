import type { INestApplication, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { WorkfrontFetch } from 'nestjs-box-auth/workfront';
import { vi } from 'vitest';
import { PROJECTS } from './workfront-app.js';

type Imports = NonNullable<Parameters<typeof Module>[0]['imports']>;

/** A Nest app of these modules, started, that logs nothing. */
export async function start(...imports: Imports): Promise<INestApplication> {
  const app = (await Test.createTestingModule({ imports }).compile()).createNestApplication();
  app.useLogger(false);
  return app.init();
}

/** The status of a call to Workfront that an app makes before it ends. */
export async function called(app: INestApplication): Promise<number> {
  const { status } = await app.get(WorkfrontFetch)(PROJECTS);
  await app.close();
  return status;
}

/** An environment that says nothing of Workfront. */
export function clearEnvironment(): void {
  vi.unstubAllEnvs();
  for (const name of Object.keys(process.env).filter((key) => key.startsWith('WORKFRONT_')))
    vi.stubEnv(name, undefined);
}

import * as v from 'valibot';
import {
  type AppAuthOptions,
  appAuthOptions,
  type ResolvedAppAuthOptions,
} from '../../../../lib/core/app/app-auth.options.js';
import { parseOptions } from '../../../../lib/core/app/option-checks.js';
import { optionGroup } from '../../../../lib/core/credentials/field-checks.js';
import type { AcmeCredentials } from './acme-credentials.js';

export interface AcmeAuthOptions extends AppAuthOptions {
  readonly credentials: AcmeCredentials;
  readonly apiUrl: string;
}

export interface ResolvedAcmeOptions extends ResolvedAppAuthOptions {
  readonly apiUrl: string;
}

const acmeAuthOptions = optionGroup({
  ...appAuthOptions,
  credentials: v.unknown(),
  apiUrl: v.string(),
} satisfies Record<keyof AcmeAuthOptions, v.GenericSchema>);

export function resolveAcmeOptions(options: AcmeAuthOptions): ResolvedAcmeOptions {
  return { ...parseOptions(acmeAuthOptions, options), maxSubjects: 1, keepWarm: [] };
}

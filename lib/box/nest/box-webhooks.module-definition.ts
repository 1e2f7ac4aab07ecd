import { ConfigurableModuleBuilder } from '@nestjs/common';
import { type AuthModule, withExtras } from '../../nest/auth-module.js';
import type { BoxWebhooksOptions } from '../webhooks/box-webhooks.options.js';

/**
 * The options of `BoxWebhooksModule.forRoot`, and what the factory of `forRootAsync` returns. Without keys, `forRoot` reads
 * `BOX_WEBHOOK_PRIMARY_KEY` and `BOX_WEBHOOK_SECONDARY_KEY` from the environment.
 */
export interface BoxWebhooksModuleOptions extends BoxWebhooksOptions {}

/** Options next to those of `forRoot`, and next to the factory of `forRootAsync`. */
export interface BoxWebhooksModuleExtras {
  /** Distinguishes several Box apps in one Nest app: their handlers have `@BoxWebhook(name)`. */
  readonly name?: string | undefined;
  /** Whether other modules can use `@BoxWebhook()` without importing the module. Default true. */
  readonly isGlobal?: boolean;
}

// Symbol.for: one process may load the ES module and the CommonJS build.
export const WEBHOOK_ENVIRONMENT = Symbol.for('nestjs-box-auth.BOX_WEBHOOK_ENVIRONMENT');

export const WEBHOOKS_MODULE: AuthModule = {
  name: 'BoxWebhooksModule',
  extraOptionNames: ['name', 'isGlobal'],
  importToken: Symbol.for('nestjs-box-auth.BOX_WEBHOOKS_APP'),
  clashHint: 'give each Box app its own name',
};

/** Returns the injection token of what receives the webhooks of a Box app. */
export function webhooksToken(name: string | undefined): symbol {
  return Symbol.for(`nestjs-box-auth.BoxWebhooks${name === undefined ? '' : `.${name}`}`);
}

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<BoxWebhooksModuleOptions>({
    optionsInjectionToken: Symbol.for('nestjs-box-auth.BOX_WEBHOOKS_OPTIONS'),
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createBoxWebhooksOptions')
    .setExtras<BoxWebhooksModuleExtras>({ name: undefined, isGlobal: true }, (definition, extras) =>
      withExtras(WEBHOOKS_MODULE, definition, extras),
    )
    .build();

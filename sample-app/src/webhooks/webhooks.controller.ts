import { Controller, HttpCode, Post } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { BoxWebhook, type BoxWebhookEvent } from 'nestjs-box-auth/webhooks';
import { FolderChanges } from './folder-changes.js';
import { WEBHOOK_PATH } from './webhook-body.js';

/** Receives the webhooks of Box. Only those with a valid signature reach the handler, and each once. */
@ApiExcludeController()
@Controller()
export class WebhooksController {
  constructor(private readonly changes: FolderChanges) {}

  @Post(WEBHOOK_PATH)
  @HttpCode(204)
  receive(@BoxWebhook() event: BoxWebhookEvent): void {
    this.changes.report(event);
  }
}

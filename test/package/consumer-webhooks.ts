import 'reflect-metadata';
import { Controller, HttpCode, Module, Post } from '@nestjs/common';
import {
  BoxWebhook,
  type BoxWebhookEvent,
  BoxWebhooksModule,
  MemoryWebhookDeliveries,
  verifyBoxWebhook,
} from 'nestjs-box-auth/webhooks';
import { type BoxEmulator, type EmulatedWebhookDelivery } from 'nestjs-box-auth/testing';

@Controller('webhooks')
class WebhooksController {
  @Post('box')
  @HttpCode(204)
  receive(@BoxWebhook() event: BoxWebhookEvent): void {
    if (event.trigger === 'FOLDER.MOVED') console.log(event.source.name);
  }
}

@Module({
  imports: [
    BoxWebhooksModule.forRoot({
      primaryKey: async () => ['next', 'current'],
      deliveries: new MemoryWebhookDeliveries(),
    }),
    BoxWebhooksModule.forRootAsync({ name: 'hr', useFactory: () => ({ secondaryKey: 'key' }) }),
  ],
  controllers: [WebhooksController],
})
export class AppModule {}

export async function triggerOf(request: Request): Promise<string> {
  const { headers } = request;
  const body = await request.arrayBuffer();
  return (await verifyBoxWebhook({ body, headers, primaryKey: 'key' })).trigger;
}

export async function deliveriesOf({
  webhooks,
}: BoxEmulator): Promise<readonly EmulatedWebhookDelivery[]> {
  await webhooks.settled();
  return webhooks.deliveries;
}

import { Controller, Get } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { AsUser, BoxAuthModule, BoxFetch, BoxTokenProvider, ForEnterprise } from 'nestjs-box-auth';
import { FakeBox } from 'nestjs-box-auth/testing';
import { thrownBy } from '../../support/thrown.js';

const GLOBEX = '7654321';
const INITECH = '8765432';
const ITEMS = '/2.0/folders/0/items';
const ENTERPRISE = '/2.0/users/me?fields=enterprise';

let box: FakeBox;
beforeEach(() => {
  box = new FakeBox({ users: { 33333: GLOBEX } });
  box.reply('GET', ITEMS, { entries: [] });
});

const itemsFor = (enterprise: string, user?: string) =>
  box.provider.runFor({ enterprise, ...(user !== undefined && { user }) }, () => box.fetch(ITEMS));

/** Makes a call with the token of a user, as `@AsUser(…, { via: 'token' })` does. */
async function itemsWithUserToken(id: string, enterprise: string): Promise<void> {
  const { value } = await box.provider.getToken({ subject: { type: 'user', id, enterprise } });
  await box.fetch(ITEMS, { headers: { authorization: `Bearer ${value}` } });
}

describe('A call', () => {
  it('has the enterprise of its token, and gets a token of its enterprise only', async () => {
    for (const enterprise of [GLOBEX, INITECH, GLOBEX]) await itemsFor(enterprise);
    await itemsFor(INITECH, '44444');
    await box.fetch(ITEMS);
    expect(box.calls.map(({ as, via, enterprise }) => [as, via, enterprise])).toEqual([
      ['service-account', undefined, GLOBEX],
      ['service-account', undefined, INITECH],
      ['service-account', undefined, GLOBEX],
      ['44444', 'header', INITECH],
      ['service-account', undefined, '1'],
    ]);
  });

  it('is for the enterprise of @ForEnterprise in a Nest app', async () => {
    @Controller('items')
    @ForEnterprise(GLOBEX)
    @AsUser('33333', { via: 'token' })
    class ItemsController {
      constructor(private readonly boxFetch: BoxFetch) {}

      @Get()
      async list(): Promise<unknown> {
        return (await this.boxFetch(ITEMS)).json();
      }
    }
    const module = await Test.createTestingModule({
      imports: [BoxAuthModule.forRoot({ tenants: [GLOBEX] })],
      controllers: [ItemsController],
    })
      .overrideProvider(BoxTokenProvider)
      .useValue(box.provider)
      .compile();
    const app = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    const { status } = await fetch(`${await app.getUrl()}/items`);
    await app.close();
    expect(status).toBe(200);
    const [call, ...others] = box.calls;
    expect(call).toMatchObject({ path: ITEMS, as: '33333', via: 'token', enterprise: GLOBEX });
    expect(others).toEqual([]);
  });

  it('is without an enterprise if it is without a token', async () => {
    box.reply('GET', 'https://example.com/rates', {});
    await box.provider.runFor({ enterprise: GLOBEX }, () => box.fetch('https://example.com/rates'));
    expect(box.calls).toMatchObject([{ as: undefined, enterprise: undefined }]);
  });

  it('is in the message about a missing call with the enterprise', async () => {
    await itemsFor(GLOBEX, '33333');
    await box.fetch(ITEMS);
    expect(box.expectCall('GET', ITEMS, { enterprise: GLOBEX }).as).toBe('33333');
    expect(() => box.expectCall('GET', ITEMS, { as: '33333', enterprise: INITECH })).toThrow(
      [
        `Expected a call GET ${ITEMS} as 33333 of enterprise ${INITECH}. Calls made:`,
        `  GET ${ITEMS} as 33333 (via header) of enterprise ${GLOBEX}: 200`,
        `  GET ${ITEMS} as service-account: 200`,
      ].join('\n'),
    );
    expect(() => box.expectCall('GET', ITEMS, { enterprise: INITECH })).toThrow(
      `Expected a call GET ${ITEMS} of enterprise ${INITECH}. `,
    );
  });
});

describe('A token', () => {
  it('has the same value in every run, which names its enterprise', async () => {
    const valueFor = async (id: string) =>
      (await box.provider.getToken({ subject: { type: 'enterprise', id } })).value;
    expect(await valueFor('1')).toBe('fake-token-1-service-account');
    expect(await valueFor(GLOBEX)).toBe(`fake-token-1-service-account-of-${GLOBEX}`);
  });

  it('of a user belongs to the enterprise of that user', async () => {
    await itemsWithUserToken('33333', GLOBEX);
    await itemsWithUserToken('11111', '1');
    expect(box.calls.map(({ path, as, enterprise }) => [path, as, enterprise])).toEqual([
      [ITEMS, '33333', GLOBEX],
      [ITEMS, '11111', '1'],
    ]);
    for (const [id, enterprise] of [
      ['33333', INITECH],
      ['44444', GLOBEX],
    ] as const) {
      const error = await thrownBy(() => itemsWithUserToken(id, enterprise));
      expect(error.code).toBe('acting_user_invalid');
    }
    expect(box.calls).toHaveLength(2);
  });

  it('of a user is checked before its first call, whatever the test replies', async () => {
    box.reply('GET', '/2.0/users/me', { id: 'the reply' });
    await itemsWithUserToken('33333', GLOBEX);
    const own = await box.provider.getToken({ subject: { type: 'user', id: '11111' } });
    const authorization = `Bearer ${own.value}`;
    const accept = 'application/json';
    for (const headers of [{ authorization }, { authorization, accept }, { accept }]) {
      const response = await box.fetch(ENTERPRISE, { headers });
      expect(await response.json()).toEqual({ id: 'the reply' });
    }
    expect(box.calls.map(({ path, as }) => [path, as])).toEqual([
      [ITEMS, '33333'],
      ['/2.0/users/me', '11111'],
      ['/2.0/users/me', '11111'],
      ['/2.0/users/me', 'service-account'],
    ]);
  });

  it('stays in its enterprise when it is downscoped', async () => {
    const token = await box.provider.runFor({ enterprise: GLOBEX }, () =>
      box.provider.downscope({ scopes: ['base_preview'] }),
    );
    await box.fetch(ITEMS, { headers: { authorization: `Bearer ${token.value}` } });
    expect(box.calls).toMatchObject([{ as: 'service-account', enterprise: GLOBEX }]);
  });
});

describe('An enterprise that de-authorizes the app', () => {
  it('fails its own calls, also those of its users, until it authorizes the app again', async () => {
    for (const enterprise of [GLOBEX, INITECH]) await itemsFor(enterprise);
    await itemsWithUserToken('33333', GLOBEX);
    box.deauthorize(GLOBEX);
    for (let time = 1; time <= 2; time += 1) {
      expect((await thrownBy(() => itemsFor(GLOBEX))).code).toBe('app_not_authorized');
      expect((await itemsFor(INITECH)).status).toBe(200);
      expect((await box.fetch(ITEMS)).status).toBe(200);
    }
    const subject = { type: 'user', id: '33333', enterprise: GLOBEX } as const;
    box.provider.flush({ enterprise: GLOBEX });
    expect((await thrownBy(() => box.provider.getToken({ subject }))).code).toBe(
      'app_not_authorized',
    );
    box.authorize(GLOBEX);
    expect((await itemsFor(GLOBEX)).status).toBe(200);
  });

  it('fails its calls at once, even if its token was replaced just before', async () => {
    await itemsFor(GLOBEX);
    box.revokeAllTokens();
    expect((await itemsFor(GLOBEX)).status).toBe(200);
    box.deauthorize(GLOBEX);
    expect((await thrownBy(() => itemsFor(GLOBEX))).code).toBe('app_not_authorized');
  });

  it('keeps the tokens of other enterprises', async () => {
    for (const enterprise of [GLOBEX, INITECH]) await itemsFor(enterprise);
    box.deauthorize(GLOBEX);
    await itemsFor(INITECH);
    expect(box.calls.map(({ status }) => status)).toEqual([200, 200, 200]);
    await thrownBy(() => itemsFor(GLOBEX));
    expect(box.calls.map(({ status }) => status)).toEqual([200, 200, 200, 401]);
  });

  it('authorizes the app at reset, not at heal', async () => {
    box.deauthorize(GLOBEX);
    box.heal();
    expect((await thrownBy(() => itemsFor(GLOBEX))).code).toBe('app_not_authorized');
    box.reset();
    expect((await itemsFor(GLOBEX)).status).toBe(404);
    box.expectCall('GET', ITEMS, { enterprise: GLOBEX });
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { exampleIn, namesUnder, run } from './example.js';

const PAGE = 'docs/emulator.md';
let box: BoxEmulator;
beforeAll(async () => {
  box = await BoxEmulator.start();
});
afterAll(() => box.stop());

async function tokenOf(emulator: BoxEmulator): Promise<string> {
  const { boxAppSettings, enterpriseID } = emulator.config;
  const response = await fetch(`${emulator.url}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: boxAppSettings.clientID,
      client_secret: boxAppSettings.clientSecret,
      box_subject_type: 'enterprise',
      box_subject_id: enterpriseID,
    }),
  });
  const { access_token: token } = (await response.json()) as { access_token: string };
  return token;
}

describe('The page about the emulator', () => {
  it.each(namesUnder(PAGE, 'Endpoint'))('lists %s, which exists', async (endpoint) => {
    const [method = '', path = ''] = endpoint.split(' ');
    const id = path.includes('folders') ? box.addFolder({ name: endpoint }).id : newFile();
    const response = await fetch(box.url + path.replace(':id', id), {
      method,
      redirect: 'manual',
      headers: { authorization: `Bearer ${await tokenOf(box)}` },
    });
    // Without a body, POST requests are malformed: that also says that there is such an endpoint.
    expect(method === 'POST' ? [400] : [200, 302]).toContain(response.status);

    function newFile(): string {
      return box.addFile({ name: endpoint, content: '' }).id;
    }
  });

  it.each(namesUnder(PAGE, 'Member'))('lists %s, which the emulator has', (member) => {
    expect(member in box).toBe(true);
  });

  it('shows how to start an emulator', async () => {
    const exported = await run(exampleIn(PAGE, 'tokenLifetimeS'));
    const emulator = exported['emulator'] as BoxEmulator;
    expect(emulator.tokenLifetimeS).toBe(60);
    await emulator.stop();
  });

  it('shows how to simulate failures', async () => {
    await expect(run(exampleIn(PAGE, 'failNext'))).resolves.toEqual({});
  });
});

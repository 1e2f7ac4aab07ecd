import { execFile } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { verifyBoxWebhook } from 'nestjs-box-auth/express';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { startServer } from '../../support/loopback-server.js';
import { newFolder, run } from '../cli-fixture.js';
import { emulating } from './running-emulator.js';

const doctor = (file: string, url: string, ...args: string[]) =>
  run(['doctor', file, '--api-url', url, ...args]);

const oauthAppIn = (printed: string) =>
  /BOX_OAUTH_CLIENT_ID=(?<clientId>\w+) BOX_OAUTH_CLIENT_SECRET=(?<clientSecret>\w+)\n.*BOX_OAUTH_REDIRECT_URI='(?<redirectUri>.*)'\n *(?<authorizeUrl>\S+)\n/.exec(
    printed,
  )?.groups ?? {};

describe('emulate', () => {
  it('prints its URL, runs until it is interrupted, and exits with 0', async () => {
    const running = await emulating();
    expect(running.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await fetch(`${running.url}/2.0/users/me`)).status).toBe(401);
    const { exitCode, stdout, stderr } = await running.stop();
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/Stopped\.\n$/);
    await expect(fetch(running.url)).rejects.toThrow('fetch failed');
  });

  it('prints curl commands that work', async () => {
    const running = await emulating();
    const lines = running.printed.split('\n').filter((line) => line.includes('curl '));
    expect(lines).toHaveLength(9);
    const script = lines.map((line) => line.replace('curl ', 'curl -s --fail ')).join('\n');
    const { stdout } = await promisify(execFile)('sh', ['-euc', script]);
    const { stdout: lifeless } = await running.stop();
    expect(stdout).toContain('"name":"Emulated App"');
    expect(stdout).toContain('"type":"folder"');
    expect(lifeless).not.toMatch(/passphrase|client.?secret(?!=\w{32}\n)/i);
  });

  it('prints the keys that its webhooks are signed with', async () => {
    const app = await startServer((_request, response) => response.writeHead(204).end());
    const running = await emulating();
    const [, primaryKey, secondaryKey] =
      /BOX_WEBHOOK_PRIMARY_KEY=(\S+) BOX_WEBHOOK_SECONDARY_KEY=(\S+)\n/.exec(running.printed) ?? [];
    const token = (await (await fetch(`${running.url}/emulator/token`)).text()).trim();
    const post = async (path: string, body: object) => {
      const init = { method: 'POST', headers: { authorization: `Bearer ${token}` } };
      return fetch(running.url + path, { ...init, body: JSON.stringify(body) });
    };
    const created = await post('/2.0/folders', { name: 'Plans', parent: { id: '0' } });
    const target = { type: 'folder', id: ((await created.json()) as { id: string }).id };
    await post('/2.0/webhooks', { target, address: app.url, triggers: ['FOLDER.CREATED'] });
    await post('/2.0/folders', { name: 'New', parent: { id: target.id } });
    const [delivery] = (await (await fetch(`${running.url}/emulator/deliveries`)).json()) as {
      id: string;
    }[];
    await fetch(`${running.url}/emulator/redeliver`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ delivery: delivery?.id }),
    });
    await running.stop();
    await app.stop();
    for (const { body, headers } of app.arrived) {
      for (const keys of [{ primaryKey }, { secondaryKey }]) {
        await expect(
          verifyBoxWebhook({ body: Buffer.from(body), headers, ...keys }),
        ).resolves.toMatchObject({ trigger: 'FOLDER.CREATED' });
      }
    }
    expect(app.arrived).toHaveLength(2);
  });

  it('prints the OAuth app and its authorize page', async () => {
    const running = await emulating();
    const {
      clientId = '',
      clientSecret = '',
      redirectUri,
      authorizeUrl = '',
    } = oauthAppIn(running.printed);
    expect(redirectUri).toBe('http://localhost:3000/box/callback');
    const page = await fetch(authorizeUrl);
    expect(await page.text()).toContain('Grant access to Box');
    const { headers } = await fetch(authorizeUrl, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ decision: 'grant', user_id: '22222' }),
    });
    const code = new URL(headers.get('location') ?? '').searchParams.get('code') ?? '';
    const response = await fetch(`${running.url}/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: clientId,
        client_secret: clientSecret,
        code,
      }),
    });
    expect(await response.json()).toHaveProperty('refresh_token');
    await running.stop();
  });

  it('accepts redirect URIs of the OAuth app', async () => {
    const [first, second] = ['https://app.example/cb?a=b', 'http://127.0.0.1/cb'];
    const running = await emulating(['--redirect-uri', first, '--redirect-uri', second]);
    const { redirectUri, authorizeUrl = '' } = oauthAppIn(running.printed);
    expect(redirectUri).toBe(first);
    for (const uri of [first, 'http://127.0.0.1:4711/cb']) {
      const url = new URL(authorizeUrl);
      url.searchParams.set('redirect_uri', uri);
      expect((await fetch(url)).status).toBe(200);
    }
    await running.stop();
  });

  it.each(['http://app.example/cb', '/cb', 'https://app.example/#hunter2'])(
    'rejects the redirect URI %s',
    async (uri) => {
      const { exitCode, text } = await run(['emulate', '--redirect-uri', uri]);
      expect(exitCode).toBe(2);
      expect(text).toContain('Expected an absolute URL without a fragment');
      expect(text).not.toContain('hunter2');
    },
  );

  it('adds enterprises, each with a user, and prints how to de-authorize the app', async () => {
    const running = await emulating(['--enterprise', '7654321', '--enterprise', '8765432']);
    expect(running.printed).toContain('Enterprise 7654321 has the user 33333.\n');
    expect(running.printed).toContain('Enterprise 8765432 has the user 44444.\n');
    for (const [enterprise, userId] of [
      ['7654321', '33333'],
      ['8765432', '44444'],
    ] as const) {
      const url = `${running.url}/emulator/token?enterprise=${enterprise}`;
      const token = (await (await fetch(url)).text()).trim();
      const me = await fetch(`${running.url}/2.0/users/me?fields=enterprise,name`, {
        headers: { authorization: `Bearer ${token}`, 'as-user': userId },
      });
      expect(await me.json()).toMatchObject({
        id: userId,
        name: `User ${userId}`,
        enterprise: { id: enterprise },
      });
    }
    const lines = running.printed
      .split('\n')
      .filter((line) => line.includes('7654321') && line.includes('curl '));
    expect(lines).toHaveLength(3);
    const script = lines.map((line) => line.replace('curl ', 'curl -s --fail ')).join('\n');
    const { stdout } = await promisify(execFile)('sh', ['-euc', script]);
    await running.stop();
    expect(stdout).toMatch(/^\w{32}\n$/);
  });

  it('does not add the enterprise of the config.json', async () => {
    const other = await BoxEmulator.start();
    await other.stop();
    const file = join(newFolder(), 'config.json');
    writeFileSync(file, JSON.stringify(other.config));
    const { enterpriseID } = other.config;
    const ran = await run(['emulate', '--config', file, '--enterprise', enterpriseID]);
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toContain(`Enterprise ${enterpriseID} is the one in ${file}.`);
  });

  it('writes a valid config.json that only its owner can read', async () => {
    const file = join(newFolder(), 'emulated.json');
    const running = await emulating(['--write-config', file]);
    expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
    const { exitCode } = await doctor(file, running.url, '--as-user', '11111');
    expect(exitCode).toBe(0);
    expect(running.printed).toContain(`BOX_CONFIG_FILE=${file} BOX_API_URL=${running.url}`);
    const { stdout } = await running.stop();
    const { boxAppSettings } = JSON.parse(readFileSync(file, 'utf8')) as BoxEmulator['config'];
    expect(stdout).not.toContain(boxAppSettings.clientSecret);
    expect(stdout).not.toContain(boxAppSettings.appAuth.passphrase);
  });

  it('does not start if the config.json exists', async () => {
    const file = join(newFolder(), 'config.json');
    writeFileSync(file, 'precious');
    const ran = await run(['emulate', '--write-config', file]);
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toContain('already exists');
    expect(ran.stderr).toContain(`emulate --config ${file}`);
    const onSamePort = await run(['emulate', '--port', '4000', '--write-config', file]);
    expect(onSamePort.stderr).toContain(`emulate --port 4000 --config ${file}`);
    expect(readFileSync(file, 'utf8')).toBe('precious');
  });

  it('explains how to get a config.json', async () => {
    const running = await emulating();
    expect(running.printed).toContain('--write-config emulated.json');
    await running.stop();
  });

  it('emulates the app of a config.json with its passphrase in the environment', async () => {
    const other = await BoxEmulator.start();
    await other.stop();
    const { boxAppSettings, ...rest } = other.config;
    const { passphrase, ...appAuth } = boxAppSettings.appAuth;
    const file = join(newFolder(), 'config.json');
    writeFileSync(
      file,
      JSON.stringify({ ...rest, boxAppSettings: { ...boxAppSettings, appAuth } }),
    );
    const env = { BOX_PRIVATE_KEY_PASSPHRASE: passphrase };
    const running = await emulating(['--config', file], { env });
    const ran = await run(['doctor', file], { env: { ...env, BOX_API_URL: running.url } });
    expect(ran.exitCode).toBe(0);
    expect(running.printed).toContain(`BOX_CONFIG_FILE=${file}`);
    await running.stop();
  });

  it.each([
    ['that is missing', undefined, 'ENOENT'],
    ['that is none', '{}', 'boxAppSettings: expected an object'],
    [
      'without a key pair',
      JSON.stringify({ boxAppSettings: { clientID: 'a', clientSecret: 'b' }, enterpriseID: '1' }),
      'has no key pair',
    ],
    [
      'whose key does not open',
      JSON.stringify({
        boxAppSettings: {
          clientID: 'a',
          clientSecret: 'b',
          appAuth: { publicKeyID: 'c', privateKey: 'd' },
        },
        enterpriseID: '1',
      }),
      'is not a key in PEM',
    ],
  ])('reports a config.json %s', async (_, content, expected) => {
    const file = join(newFolder(), 'config.json');
    if (content !== undefined) writeFileSync(file, content);
    const ran = await run(['emulate', '--config', file]);
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toContain(expected);
    expect(ran.stdout).toBe('');
  });

  it('issues tokens with the requested lifetime', async () => {
    const file = join(newFolder(), 'emulated.json');
    const running = await emulating(['--write-config', file, '--token-lifetime', '90']);
    const { stdout } = await doctor(file, running.url);
    await running.stop();
    expect(stdout).toMatch(/a token valid for 1 min (?:29|30|31) s/);
  });

  it('listens on the requested port, and reports a port in use', async () => {
    const first = await emulating();
    const { port } = new URL(first.url);
    const taken = await run(['emulate', '--port', port]);
    expect(taken.exitCode).toBe(1);
    expect(taken.stderr).toContain(`Port ${port} is in use.`);
    await first.stop();
    const second = await emulating(['--port', port]);
    expect(second.url).toBe(first.url);
    await second.stop();
  });

  it('requests its token from no other server', async () => {
    const stranger = await startServer((_request, response) => response.end('{}'));
    const running = await emulating();
    const token = await (await fetch(`${running.url}/emulator/token`)).text();
    expect(token.trim()).toMatch(/^\S{20,}$/);
    expect(stranger.arrived).toEqual([]);
    await running.stop();
    await stranger.stop();
  });
});

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Platform } from '../../sample-app/src/create-app.js';
import { describeWithChromium, launchChromium } from '../support/chromium.js';
import { startBrowsablePortal } from './browsable-portal.js';
import { PLATFORMS } from './portal-fixture.js';
import { CALLBACK, Visitor } from './portal-visitor.js';

const CAROL = '33333';
const CAROLS_FILES = ["Carol's papersFolder", 'InboxFolder', "Carol's notes.txt30 bytes"];
const FAILED = 'The Box account was not connected';

let browser: Browser;

describeWithChromium('In a browser, the portal', () => {
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  test.each(PLATFORMS)(
    'connects an account, lists its files, and disconnects it, on %s',
    async (platform) => {
      const portal = await startPortal(platform);
      const visitor = await Visitor.arrive(browser, portal);
      await visitor.signIn('alice');
      expect(await visitor.section()).toContain('No account is connected.');
      await visitor.connect();
      expect(new URL(visitor.page.url()).origin).not.toBe(portal);

      await visitor.choose('Carol');
      await visitor.press('button', 'Grant access to Box');
      expect(await visitor.section()).toContain('Connected as Carol (carol@example.com)');
      expect(await visitor.files()).toEqual(CAROLS_FILES);
      expect(await visitor.focused()).toBe('Your own Box account');
      await visitor.page.reload();
      expect(await visitor.section()).toContain('Connected as Carol');
      await visitor.signIn('bob');
      expect(await visitor.section()).toContain('No account is connected.');
      await visitor.signIn('alice');
      expect(await visitor.section()).toContain('Connected as Carol');

      await visitor.press('button', 'Disconnect');
      expect(await visitor.section()).toContain('No account is connected.');
      expect(await visitor.files()).toEqual([]);
      expect(await visitor.focused()).toBe('Your own Box account');
      await visitor.connect();
      expect(visitor.errors).toEqual([]);
    },
  );

  test('tells a person who denies the access how to connect after all', async () => {
    const portal = await startPortal('express');
    const visitor = await Visitor.arrive(browser, portal);
    await visitor.signIn('alice');
    await visitor.connect();
    const denied = await visitor.atCallback(() => visitor.press('button', 'Deny access to Box'));
    expect(denied.status()).toBe(403);
    expect(await visitor.textBelow(FAILED)).toContain(
      'You did not allow this app to use your Box account.',
    );

    await visitor.press('link', 'Connect a Box account');
    await visitor.press('button', 'Grant access to Box');
    expect(await visitor.section()).toContain('Connected as Alice');
    expect(visitor.errors).toEqual([`403 of ${CALLBACK}`]);
  });

  test('leads people to the address that Box sends them back to', async () => {
    const portal = await startPortal('express');
    const visitor = await Visitor.arrive(browser, portal.replace('127.0.0.1', 'localhost'));
    expect(await visitor.section()).toBe(`Open the portal at ${portal} to connect an account.`);
    expect(visitor.errors).toEqual([]);
  });

  test('rejects a callback that another browser began', async () => {
    const portal = await startPortal('express');
    const attacker = await Visitor.arrive(browser, portal);
    await attacker.signIn('alice');
    await attacker.connect();
    const callback = await attacker.consentWithoutReturning(CAROL);

    const victim = await Visitor.arrive(browser, portal);
    await victim.signIn('alice');
    await victim.connect();
    const forged = await victim.atCallback(() => victim.page.goto(callback));
    expect(forged.status()).toBe(400);
    expect(await victim.textBelow(FAILED)).toContain('begun in another browser');
    await victim.page.goto(portal);
    expect(await victim.section()).toContain('No account is connected.');
    expect(victim.errors).toEqual([`400 of ${CALLBACK}`]);

    // The same works in the browser that began.
    await attacker.page.goto(portal);
    await attacker.connect();
    await attacker.page.goto(await attacker.consentWithoutReturning(CAROL));
    expect(await attacker.section()).toContain('Connected as Carol');
    expect(attacker.errors).toEqual([]);
  });
});

/** Starts the portal with its own emulator, until the end of the test. Returns its address. */
async function startPortal(platform: Platform): Promise<string> {
  const { url, stop } = await startBrowsablePortal(platform);
  onTestFinished(stop);
  return url;
}

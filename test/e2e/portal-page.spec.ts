import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createApp } from '../../sample-app/src/create-app.js';
import { describeWithChromium, launchChromium } from '../support/chromium.js';
import { type BrowsablePortal, startBrowsablePortal } from './browsable-portal.js';
import { PageVisitor, patience } from './page-visitor.js';
import { Visitor } from './portal-visitor.js';

const ALICE = '11111';
const TENANT = '7654321';
const MINUTE_MS = 60_000;
const FAULTS = [
  'Expire all tokens',
  'Revoke all tokens',
  'Limit the rate (429)',
  'Outage of 30 s',
  'Clock 5 min off',
];

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The token of a call that was on its way when its hour ended is rejected first. */
function newTokenOf(holder: string): RegExp {
  return new RegExp(`(?:Refreshed the|Replaced the rejected) token of ${holder}`);
}

describeWithChromium('The page of the portal', () => {
  let browser: Browser;
  let started: BrowsablePortal;
  beforeAll(async () => {
    [browser, started] = await Promise.all([launchChromium(), startBrowsablePortal('express')]);
  });
  afterAll(async () => {
    await browser.close();
    await started.stop();
  });

  beforeEach(() => {
    const { emulator: box, time } = started.portal.emulatedBox;
    box.heal();
    box.clockSkewMs = 0;
    // Ends an outage and all tokens, so that each test begins with new ones.
    time.aheadMs += 61 * MINUTE_MS;
  });

  /** A visitor of the page, whose browser must report no error by the end of the test. */
  async function arrive(options?: BrowserContextOptions): Promise<PageVisitor> {
    const visitor = await Visitor.arrive(browser, started.url, options);
    onTestFinished(() => expect(visitor.errors).toEqual([]));
    return new PageVisitor(visitor);
  }

  const emulator = () => started.portal.emulatedBox.emulator;

  describe('counts', () => {
    test('the calls of a steady load, until it is stopped', async () => {
      const page = await arrive();
      await page.press('Start the load');
      await page.says('10 calls per second');
      await page.counts('Calls', 10);
      await page.press('Stop the load');
      await page.says(/Stopped after \d+ calls, 0 of them failed\./);
      expect(await page.count('Failed')).toBe(0);
      expect(await page.count('Token requests')).toBeGreaterThanOrEqual(0);
      await page.button('Start the load').waitFor();
      expect(await page.api('/api/load')).toMatchObject({
        isRunning: false,
        calls: await page.count('Calls'),
      });
    });

    test('failures, with the latest reason', async () => {
      const page = await arrive();
      // With a new token of a tenant's user, the package itself would get the 404.
      await page.warmUp();
      emulator().failNext('GET /2.0/users/me', { kind: 'status', status: 404 });
      await page.counts('Failed', 1);
      await page.section.getByText(/Latest failure: \/api\/\S+: 404/).waitFor();
      await page.press('Stop the load');
      await page.says('1 of them failed');
      expect(await page.count('Failed')).toBe(1);
    });
  });

  describe('breaks Box while no call fails:', () => {
    test('all tokens expire, and one token request for each replaces them', async () => {
      const page = await arrive();
      const old = await page.warmUp();
      emulator().clearRequests();
      await page.press('Expire all tokens');
      await page.says('61 minutes have passed. All tokens have expired.');
      await page.event('61 minutes passed: all tokens have expired');
      await page.event(newTokenOf('the app'));
      await page.event(newTokenOf(`tenant ${TENANT}`));
      await page.event(newTokenOf('a user'));
      await page.survives('Expire all tokens');
      const tokens = await page.fingerprints();
      expect(tokens).toHaveLength(old.length);
      for (const fingerprint of tokens) expect(old).not.toContain(fingerprint);
      expect(emulator().tokenRequests).toHaveLength(old.length);
    });

    test('all tokens expire while no call is on its way, and none is rejected', async () => {
      const page = await arrive();
      await page.warmUp();
      await page.press('Stop the load');
      await page.button('Start the load').waitFor();
      // Has a response after the calls of the load.
      await page.api('/api/whoami');
      emulator().clearRequests();
      started.portal.emulatedBox.break('expire', 0);
      await page.warmUp();
      const { apiRequests } = emulator();
      expect(apiRequests.length).toBeGreaterThan(0);
      expect(apiRequests.filter(({ status }) => status === 401)).toEqual([]);
    });

    test('all tokens are revoked, and the rejected calls are repeated', async () => {
      const page = await arrive();
      const old = await page.warmUp();
      const repeated = await page.count('Repeated for you');
      emulator().clearRequests();
      await page.press('Revoke all tokens');
      await page.says('Box has revoked all tokens.');
      await page.event('Replaced the rejected token of the app');
      await page.event(`Replaced the rejected token of tenant ${TENANT}`);
      await page.survives('Revoke all tokens');
      await page.counts('Repeated for you', repeated + old.length);
      const rejected = emulator().apiRequests.filter(({ status }) => status === 401);
      expect(rejected.length).toBeGreaterThanOrEqual(old.length);
      expect(emulator().tokenRequests).toHaveLength(old.length);
    });

    test('the rate is limited, and calls wait', async () => {
      const page = await arrive();
      await page.warmUp();
      const repeated = await page.count('Repeated for you');
      emulator().clearRequests();
      await page.press('Limit the rate (429)');
      await page.says('Box responds with a 429 to a token request and to three calls.');
      await page.counts('Repeated for you', repeated + 3);
      await page.event(/Refreshed the token of/);
      await page.survives('Limit the rate (429)');
      const limited = ({ status }: { readonly status?: number }) => status === 429;
      expect(emulator().apiRequests.filter(limited)).toHaveLength(3);
      expect(emulator().tokenRequests.filter(limited)).toHaveLength(1);
    });

    test('token requests have an outage, and calls use the current tokens', async () => {
      const page = await arrive();
      await page.warmUp();
      await page.press('Outage of 30 s');
      await page.says('Tokens are due for a refresh, and Box issues none for 30 s.');
      await page.section.getByText(/No tokens for another \d+ s\./).waitFor();
      await page.event(/No new token of .* \(unavailable\): calls use the current one for another/);
      await page.survives('Outage of 30 s');
      expect(emulator().tokenRequests.some(({ status }) => status === 503)).toBe(true);
      // The outage ends, and the pause after the failures.
      started.portal.emulatedBox.time.aheadMs += MINUTE_MS;
      await page.event(/Refreshed the token of/);
      await page.section.getByText(/No tokens for another/).waitFor({ state: 'detached' });
      await page.survives('Outage of 30 s');
    });

    test('the clock of Box is off, and a token request corrects it', async () => {
      const page = await arrive();
      await page.warmUp();
      emulator().clearRequests();
      const button = page.button('Clock 5 min off');
      await page.press('Clock 5 min off');
      await page.says('The clock of Box is 5 minutes behind, and tokens are due for a refresh.');
      await page.event('The clock of Box is 5 min behind: corrected');
      await page.event(/Refreshed the token of/);
      await page.survives('Clock 5 min off');
      expect(await button.getAttribute('aria-pressed')).toBe('true');
      expect(emulator().clockSkewMs).toBe(-5 * MINUTE_MS);
      const statuses = emulator().tokenRequests.map(({ status }) => status);
      // Requests for several tokens can begin before the first response.
      expect(statuses[0]).toBe(400);
      expect(statuses).toContain(200);

      await page.press('Clock 5 min off');
      await page.says('The clock of Box is right again');
      await page.event('The clock of Box is right');
      await page.survives('Clock 5 min off');
      expect(await button.getAttribute('aria-pressed')).toBe('false');
      expect(emulator().clockSkewMs).toBe(0);
    });

    test('the load begins with the first fault', async () => {
      const page = await arrive();
      await page.api('/api/load', 'DELETE');
      await page.button('Start the load').waitFor();
      await page.press('Revoke all tokens');
      await page.button('Stop the load').waitFor();
      await page.survives('Revoke all tokens');
      expect(await page.count('Failed')).toBe(0);
    });
  });

  describe('shows', () => {
    test('the fingerprint, age and next refresh of each token, and no token', async () => {
      const page = await arrive();
      await page.warmUp();
      await page.press('Expire all tokens');
      await page.survives('Expire all tokens');
      await page.warmUp();
      const tokens = page.region('Tokens in memory').getByRole('listitem');
      expect(await tokens.locator('strong').allTextContents()).toEqual([
        'The app, in its own enterprise',
        `The app, in tenant ${TENANT}`,
        'User alice',
        'User bob',
        'User carol',
      ]);
      const isYoung = /Requested \d s ago\. Next refresh in 4[78] to 50 min\./;
      await expect.poll(() => tokens.first().textContent(), patience).toMatch(isYoung);
      const usedLifetime = () => tokens.locator('meter').first().getAttribute('value');
      await expect.poll(async () => Number(await usedLifetime()), patience).toBeLessThan(0.02);
      const [fingerprint] = await page.fingerprints();
      const inUse = emulator().apiRequests.map(({ headers }) => headers['authorization'] ?? '');
      expect(inUse.map((header) => fingerprintOf(header.slice('Bearer '.length)))).toContain(
        fingerprint,
      );
      await page.press('Revoke all tokens');
      await expect
        .poll(() => tokens.first().locator('code').textContent(), patience)
        .not.toBe(fingerprint);
      const seen = (await page.content()) + JSON.stringify(await page.api('/api/tokens'));
      for (const header of inUse) expect(seen).not.toContain(header.slice('Bearer '.length));
    });

    test('the token of a connected account', async () => {
      const page = await arrive();
      await page.visitor.signIn('bob');
      await page.visitor.connect();
      await page.visitor.choose('Bob');
      await page.visitor.press('button', 'Grant access to Box');
      await page.event('A user connected an account');
      await page.press('Revoke all tokens');
      const row = page
        .region('Tokens in memory')
        .getByRole('listitem')
        .filter({ hasText: 'Account bob@example.com of bob' });
      await expect.poll(() => row.textContent(), patience).toMatch(/Next refresh in/);
      await page.event('Replaced the rejected token of a connected account');
      await page.survives('Revoke all tokens');
      // A replaced token is replaced again after 10 s at the earliest.
      started.portal.emulatedBox.time.aheadMs += 10_000;
      emulator().revokeUserConnection('22222');
      await expect.poll(() => row.textContent(), patience).toMatch(/Box has ended the access\./);
      await page.event('Box has ended the access to an account');
      await page.press('Disconnect');
      await row.waitFor({ state: 'detached' });
      await page.event('A user disconnected an account');
    });

    test('the same events in the timeline, by kind of token', async () => {
      const page = await arrive();
      await page.warmUp();
      await page.press('Expire all tokens');
      await page.event(newTokenOf('the app'));
      const timeline = page.visitor.page.getByRole('img', { name: /^Timeline/ });
      const lanes = timeline.locator('text');
      await expect
        .poll(() => lanes.allTextContents(), patience)
        .toEqual(expect.arrayContaining(['the app', `tenant ${TENANT}`, 'a user', 'now']));
      expect(await timeline.locator('.symbol.refreshed').count()).toBeGreaterThanOrEqual(3);
      expect(await timeline.locator('line.fault').count()).toBeGreaterThanOrEqual(1);
    });

    test('the files of users of two tenants', async () => {
      const page = await arrive();
      const tenants = page.visitor.page.getByRole('group', { name: /^(?:The enterprise|Tenant)/ });
      expect(await tenants.locator('p').allTextContents()).toEqual([
        'The enterprise of the app',
        `Tenant ${TENANT}`,
      ]);
      await page.visitor.signIn('carol');
      await page.visitor.page.getByRole('heading', { name: 'Files of Carol' }).waitFor();
      expect(await page.button('carol').getAttribute('aria-pressed')).toBe('true');
      await page.visitor.signIn('alice');
      await page.visitor.page.getByRole('heading', { name: 'Files of Alice' }).waitFor();
      expect(await page.button('carol').getAttribute('aria-pressed')).toBe('false');
      await page.visitor.signIn('No user');
      await page.visitor.page.getByRole('heading', { name: 'Not signed in' }).waitFor();
    });
  });

  describe('transfers files:', () => {
    test('an upload with its progress, and a download', async () => {
      const page = await arrive();
      await page.visitor.signIn('alice');
      const files = page.region('Files of Alice');
      await files.getByRole('link', { name: "Alice's notes.txt" }).waitFor();
      const progress = await page.watchProgress();
      const buffer = Buffer.alloc(1_000_000, 'x');
      const name = 'report.txt';
      await files
        .getByLabel('Upload a file')
        .setInputFiles({ name, mimeType: 'text/plain', buffer });
      await files.getByText('Uploaded report.txt (1 MB)').waitFor();
      const shares = await progress();
      expect(shares.at(-1)).toBe(1);
      expect(shares.length).toBeGreaterThan(1);
      expect(await files.getByRole('progressbar').isVisible()).toBe(false);

      const [download] = await Promise.all([
        page.visitor.page.waitForEvent('download'),
        files.getByRole('link', { name }).press('Enter'),
      ]);
      expect(download.suggestedFilename()).toBe(name);
      expect(readFileSync(await download.path()).equals(buffer)).toBe(true);
    });

    test('a file that arrives at Box refreshes the list by a webhook', async () => {
      const page = await arrive();
      await page.visitor.signIn('alice');
      await page.press('Inbox');
      const inbox = page.region('Inbox');
      await inbox.getByText('This folder is empty.').waitFor();
      expect(await page.visitor.focused()).toBe('Inbox');
      const parentId = await page.inboxOf('alice');
      const file = { name: 'offer.txt', content: 'An offer', parentId, ownerId: ALICE };
      emulator().addFile(file);
      await inbox.getByText('Refreshed by a webhook of Box: FILE.UPLOADED').waitFor();
      await inbox.getByRole('link', { name: 'offer.txt' }).waitFor();
      await page.press('Back');
      await page.region('Files of Alice').waitFor();
    });
  });

  describe('is usable', () => {
    test('with the keyboard alone, and shows the focus', async () => {
      const page = await arrive();
      await page.api('/api/load', 'DELETE');
      await page.visitor.signIn('carol');
      await page.button('Start the load').waitFor();
      await page.visitor.page.reload();
      await page.region('Files of Carol').getByRole('link').waitFor();
      await page.visitor.page.getByRole('link', { name: 'Connect your Box' }).waitFor();
      const stops = await page.tabStops();
      expect(stops.map(({ name }) => name)).toEqual([
        'alice',
        'bob',
        'carol',
        'No user',
        'Upload a file',
        "Carol's papers",
        'Inbox',
        "Carol's notes.txt",
        'Connect your Box',
        'Start the load',
        ...FAULTS,
        'All routes',
        'Health',
        'Token events as a stream',
      ]);
      for (const { name, hasOutline } of stops) expect(hasOutline, name).toBe(true);
    });

    test.each([
      { scheme: 'dark', width: 1280 },
      { scheme: 'light', width: 360 },
    ] as const)(
      'in $scheme colors and $width px, without a barrier or a horizontal scroll',
      async ({ scheme, width }) => {
        const page = await arrive({ colorScheme: scheme, viewport: { width, height: 740 } });
        await page.visitor.signIn('alice');
        await page.region('Files of Alice').getByRole('link').first().waitFor();
        await page.warmUp();
        await page.press('Revoke all tokens');
        await page.event('Replaced the rejected token of the app');
        expect(await page.violations(axe)).toEqual([]);
        const { scrollWidth, outside } = await page.extent();
        expect(scrollWidth).toBeLessThanOrEqual(width);
        expect(outside).toEqual([]);
        const [red] = await page.background();
        expect(red).toSatisfy((value: number) => (scheme === 'dark' ? value < 64 : value > 192));
      },
    );
  });

  // SCREENSHOTS=1 writes the images of docs/sample-app.md.
  test.skipIf(process.env['SCREENSHOTS'] === undefined)('is shown in the documents', async () => {
    const page = await arrive({ viewport: { width: 1120, height: 900 } });
    await page.visitor.signIn('alice');
    await page.visitor.connect();
    await page.visitor.press('button', 'Grant access to Box');
    await page.visitor.section();
    await page.warmUp();
    for (const fault of FAULTS.filter((name) => name !== 'Outage of 30 s')) {
      await page.press(fault);
      await page.survives(fault);
    }
    await page.press('Outage of 30 s');
    await page.event('No new token of the app (unavailable)');
    await page.survives('Outage of 30 s');
    const { page: browserPage } = page.visitor;
    await browserPage.evaluate('scrollTo(0, 0)');
    const top = await page.section.boundingBox();
    const breakEnds = (top?.y ?? 0) + (top?.height ?? 0) + 10;
    const draw = (name: string, y: number, height: number) =>
      browserPage.screenshot({
        path: `docs/images/${name}.png`,
        fullPage: true,
        clip: { x: 0, y, width: 1120, height },
      });
    await draw('sample-app', 0, breakEnds);
    await draw('sample-app-tokens', breakEnds, 620);
    await browserPage.setViewportSize({ width: 360, height: 780 });
    await browserPage.emulateMedia({ colorScheme: 'dark' });
    await page.section.screenshot({ path: 'docs/images/sample-app-phone.png' });
    await page.api('/box/disconnect', 'POST', { 'sec-fetch-site': 'same-origin' });
    expect(page.visitor.errors).toEqual([]);
  });

  test('explains with the real Box why it cannot break it', async () => {
    const { portal } = started;
    const app = await createApp(
      'express',
      {
        ...portal,
        emulatedBox: undefined,
        callsPerSecond: undefined,
        onShutdown: () => Promise.resolve(),
      },
      { logger: false },
    );
    onTestFinished(() => app.close());
    await app.listen(0, '127.0.0.1');
    const page = new PageVisitor(await Visitor.arrive(browser, await app.getUrl()));
    await page.section
      .getByText('This portal uses the real Box, which the page cannot break.')
      .waitFor();
    for (const fault of FAULTS) expect(await page.button(fault).isVisible()).toBe(false);
    await page.press('Start the load');
    await page.says('1 call per second');
    expect(page.visitor.errors).toEqual([]);
    for (const method of ['GET', 'POST']) {
      const path = method === 'GET' ? '/api/faults' : '/api/faults/revoke';
      const url = new URL(path, await app.getUrl());
      expect((await fetch(url, { method })).status).toBe(404);
    }
  });
});

/** The fingerprint of a token, by its definition. */
function fingerprintOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url').slice(0, 12);
}

import { createPrivateKey } from 'node:crypto';
import { inspect } from 'node:util';
import { ConsoleLogger, type INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { BoxAuthError, type BoxAuthErrorCode, onAuthEvent } from 'nestjs-box-auth';
import { WorkfrontEmulator } from 'nestjs-box-auth/testing';
import {
  WorkfrontAuthModule,
  WorkfrontFetch,
  WorkfrontTokenProvider,
} from 'nestjs-box-auth/workfront';
import { WorkfrontHttpModule, WorkfrontHttpService } from 'nestjs-box-auth/workfront/axios';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { FieldNames } from '../../lib/core/credentials/credentials-errors.js';
import { cachedKeyParser } from '../../lib/core/credentials/private-key.js';
import type { WorkfrontAuthOptions } from '../../lib/workfront/workfront-auth.options.js';
import {
  parseWorkfrontCredentials,
  workfrontCredentialsHelp,
} from '../../lib/workfront/workfront-credentials.js';
import { FakeRuntime } from '../support/fake-runtime.js';
import { broken, type Received } from '../support/scripted-endpoint.js';
import { thrownBy } from '../support/thrown.js';
import {
  application,
  EXCHANGE_URL,
  jwtOf,
  over,
  PROJECTS,
  ScriptedWorkfront,
} from './workfront-app.js';

const PASSPHRASE = 'correct-horse-battery-staple';
const encrypted = String(
  createPrivateKey(application.privateKey).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: PASSPHRASE,
  }),
);

/** Every text that must stand nowhere: the secrets, and each line of the keys. */
const secrets = [
  application.clientSecret,
  PASSPHRASE,
  'token-1-for',
  ...[encrypted, application.privateKey].flatMap((pem) => pem.split('\n').slice(1, -2)),
];

/** All that can be made of what was thrown: what a logger, a serializer or a curious person makes of it. */
function showings(thing: unknown): string[] {
  const shown = [
    inspect(thing, { depth: 20, showHidden: true, getters: true }),
    String(thing),
    JSON.stringify(thing),
  ];
  for (let error = thing; error instanceof Error; error = error.cause) {
    shown.push(error.message, error.stack ?? '', inspect(error), JSON.stringify(error));
  }
  return shown;
}

function expectNoSecret(texts: readonly string[], others: readonly string[] = []): void {
  for (const text of texts) {
    for (const secret of [...secrets, ...others]) expect(text).not.toContain(secret);
    expect(text).not.toMatch(/eyJ[\w-]{10,}/); // no JWT either
  }
}

let runtime: FakeRuntime;
let scripted: ScriptedWorkfront;
beforeEach(() => {
  runtime = new FakeRuntime();
  runtime.randomValue = 0;
  scripted = new ScriptedWorkfront(runtime);
});

const app = (options: Partial<WorkfrontAuthOptions> = {}) => scripted.app(options);
const getToken = (workfront = app()) => over(runtime, workfront.provider.getToken());

/** All that was sent, sent back. */
const echo = (request: Received) =>
  `${request.form} ${[...request.form.values()].join(' ')} Bearer ${jwtOf(request)}`;

const answering = (answer: (request: Received) => Response | Promise<Response>) => () => {
  scripted.exchange.otherwise = answer;
  return getToken();
};

const refusing = (status: number) =>
  answering((request) =>
    scripted.exchange.json(status, { error: jwtOf(request), error_description: echo(request) }),
  );

/** One way into every code that Workfront can meet, with secrets at hand. */
const paths: Partial<Record<BoxAuthErrorCode, () => unknown>> = {
  config_invalid: () =>
    app({ clientId: '', customerId: application.clientSecret, passphrase: PASSPHRASE, userId: '' }),
  option_invalid: () => app({ url: `https://user:${application.clientSecret}@acme.example.com` }),
  key_passphrase_missing: () => app({ privateKey: encrypted }),
  key_passphrase_wrong: () => app({ privateKey: encrypted, passphrase: application.clientSecret }),
  key_truncated: () => app({ privateKey: application.privateKey.slice(0, 800) }),
  key_invalid: () => app({ privateKey: application.privateKey.split('\n').slice(1).join('\n') }),
  origin_not_allowed: () =>
    app().provider.getHeaders(`https://${application.clientSecret}@evil.example/token-1-for`),
  token_request_refused: refusing(400),
  rate_limited: refusing(429),
  unavailable: refusing(503),
  network: answering(broken('ECONNRESET')),
  response_invalid: answering((request) => new Response(echo(request))),
  assertion_expired: answering((request) => {
    scripted.exchange.skewMs += 3_600_000;
    return scripted.exchange.json(400, { error: echo(request) });
  }),
  assertion_not_yet_valid: answering((request) => {
    scripted.exchange.skewMs -= 3_600_000;
    return scripted.exchange.json(400, { error: echo(request) });
  }),
  expired_on_arrival: answering((request) => {
    runtime.sleep(7_200_000);
    return scripted.exchange.grant(request);
  }),
  token_refused_again: async () => {
    const workfront = app();
    await over(runtime, workfront.fetch('/attask/api/bad'));
    return over(runtime, workfront.fetch('/attask/api/bad'));
  },
  body_not_replayable: async () => {
    const read: typeof fetch = async (input, init) => {
      await new Response(init?.body).arrayBuffer();
      return scripted.fetch(input, init);
    };
    const workfront = app({ replayBufferBytes: 0, fetch: read });
    scripted.ended.add((await getToken(workfront)).value);
    const body = ReadableStream.from([Buffer.from('content')]);
    const init = { method: 'POST', body, duplex: 'half' } as const;
    return over(runtime, workfront.fetch(PROJECTS, init));
  },
  closed: async () => {
    const workfront = app();
    await getToken(workfront);
    workfront.close();
    return workfront.provider.getToken();
  },
};

describe('No secret is shown', () => {
  it.each(Object.entries(paths))('by the error %s', async (code, path) => {
    let thrown: unknown;
    try {
      await path();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(BoxAuthError);
    expect(thrown).toMatchObject({ code });
    expectNoSecret(showings(thrown));
  });

  it('by any object that holds one', async () => {
    const workfront = app({ privateKey: encrypted, passphrase: PASSPHRASE });
    const session = await getToken(workfront);
    expect(session.value).toContain('token-1-for');
    for (const holder of [workfront, workfront.provider, session, { session }, workfront.tokens]) {
      expectNoSecret(showings(holder));
    }
    expect(scripted.exchange.received[0]?.url).toBe(EXCHANGE_URL);
  });

  it('by parsed credentials', () => {
    const parseKey = cachedKeyParser(workfrontCredentialsHelp);
    const opened = parseWorkfrontCredentials(
      { ...application, privateKey: encrypted, passphrase: PASSPHRASE },
      new FieldNames('the options'),
      parseKey,
    );
    expectNoSecret(showings(opened));
    expect(opened.clientSecret.reveal()).toBe(application.clientSecret);
  });

  it('by the events of tokens', async () => {
    const told: string[] = [];
    const listen = (event: object) => told.push(...showings(event));
    const kinds = ['mint', 'renewal', 'forced-renewal', 'clock-offset'] as const;
    const stops = kinds.map((kind) => onAuthEvent(kind, listen));
    const workfront = app();
    scripted.exchange.skewMs = 3_600_000;
    scripted.ended.add((await getToken(workfront)).value);
    await over(runtime, workfront.fetch(PROJECTS));
    workfront.provider.flush();
    for (const status of [400, 503]) await thrownBy(refusing(status));
    for (const stop of stops) stop();
    expect(told.join()).toContain('forced-renewal');
    expect(told.join()).toContain('token_request_refused');
    expectNoSecret(told);
  });
});

describe('In an app', () => {
  const lines: string[] = [];
  let emulator: WorkfrontEmulator;
  let nest: INestApplicationContext;
  beforeAll(async () => {
    emulator = await WorkfrontEmulator.start();
    for (const stream of [process.stdout, process.stderr]) {
      vi.spyOn(stream, 'write').mockImplementation((chunk) => {
        lines.push(String(chunk));
        return true;
      });
    }
  });
  beforeEach(async () => {
    lines.length = 0;
    const { credentials, url } = emulator;
    const module = WorkfrontAuthModule.forRoot({ url, ...credentials });
    nest = await Test.createTestingModule({ imports: [module, WorkfrontHttpModule] })
      .setLogger(new ConsoleLogger())
      .compile();
    await nest.init();
  });
  afterEach(async () => {
    emulator.heal();
    await nest.close();
  });
  afterAll(async () => {
    vi.restoreAllMocks();
    await emulator.stop();
  });

  /** The secrets of this app: its application is the emulator's own. */
  const itsSecrets = () => {
    const { clientSecret, privateKey } = emulator.credentials;
    const session = nest.get(WorkfrontTokenProvider).peekToken()?.value;
    return [
      clientSecret,
      ...privateKey.split('\n').slice(1, -2),
      ...(session === undefined ? [] : [session]),
    ];
  };

  it('no secret is in its log, whatever fails', async () => {
    const call = () => nest.get(WorkfrontFetch)(PROJECTS);
    emulator.failNext('exchange', {
      kind: 'refuse',
      error: 'x',
      errorDescription: itsSecrets()[0] ?? '',
    });
    await expect(call()).rejects.toThrow('Workfront returned 400 (x: [redacted])');
    expect(lines.join()).toContain('calls that need this token fail');
    expectNoSecret(lines, itsSecrets());
  });

  it('no session is in a response or an error of axios', async () => {
    const { axiosRef } = nest.get(WorkfrontHttpService);
    const shown = [
      showings(await axiosRef.get(PROJECTS)),
      showings(await axiosRef.get('/attask/api/nothing').catch((error: unknown) => error)),
      showings(await axiosRef.get('/attask/api/proj/nothing').catch((error: unknown) => error)),
    ];
    expect(itsSecrets().length).toBeGreaterThan(10);
    expectNoSecret(shown.flat(), itsSecrets());
    expectNoSecret(showings(nest.get(WorkfrontAuthModule)), itsSecrets());
    expectNoSecret(showings(nest.get(WorkfrontTokenProvider)), itsSecrets());
  });

  it('an error at the start shows no secret', async () => {
    const wrong = { url: emulator.url, ...emulator.credentials, userId: '' };
    await expect(
      Test.createTestingModule({ imports: [WorkfrontAuthModule.forRoot(wrong)] }).compile(),
    ).rejects.toSatisfy((error) => {
      expectNoSecret(showings(error), itsSecrets());
      return error instanceof BoxAuthError;
    });
    expectNoSecret(lines, itsSecrets());
  });
});

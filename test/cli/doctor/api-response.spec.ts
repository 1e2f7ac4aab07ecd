import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { type LoopbackServer, startServer } from '../../support/loopback-server.js';
import { DoctorFixture, failedStep } from './doctor-fixture.js';

const IMPOSTOR = { id: '1', name: 'A stranger', login: 'stranger@example.com' };

let emulator: BoxEmulator;
let fixture: DoctorFixture;
let stranger: LoopbackServer;
beforeAll(async () => {
  emulator = await BoxEmulator.start();
  fixture = new DoctorFixture(emulator);
  stranger = await startServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(IMPOSTOR));
  });
});
afterAll(async () => {
  await stranger.stop();
  await emulator.stop();
});

/** Serves calls of `users/me` with a token, either those with `as-user` or those without. */
function answering(who: 'account' | 'as-user', answer: () => Response): typeof fetch {
  return async (input, init) => {
    const headers = new Headers(init?.headers);
    const hit = headers.has('authorization') && headers.has('as-user') === (who === 'as-user');
    if (!hit) return fetch(input, init);
    const response = answer();
    Object.defineProperty(response, 'url', { value: String(input) });
    const location = response.headers.get('location');
    // Like fetch itself.
    return location !== null && init?.redirect !== 'manual' ? fetch(location) : response;
  };
}

describe.each(['account', 'as-user'] as const)('doctor, the response at %s', (step) => {
  const ask = (answer: () => Response) =>
    fixture.run([fixture.file(), '--as-user', '11111'], { fetch: answering(step, answer) });

  it('rejects a redirect, and prints only the origin of its target', async () => {
    const location = `${stranger.url}/path?code=secret`;
    const doctorRun = await ask(() => new Response(null, { status: 302, headers: { location } }));
    const { problem, step: failed } = failedStep(doctorRun);
    expect({ failed, code: problem?.code }).toEqual({ failed: step, code: 'response_invalid' });
    expect(problem?.message).toBe(
      `The response from ${emulator.url}/2.0/users/me is not from Box: it is a redirect (status 302) to ${stranger.url}.`,
    );
    expect(doctorRun.stdout).not.toContain('secret');
    expect(doctorRun.stdout).not.toContain(IMPOSTOR.name);
    expect(stranger.arrived).toEqual([]);
  });

  it('rejects a redirect without a target', async () => {
    const { problem } = failedStep(await ask(() => new Response(null, { status: 304 })));
    expect(problem?.message).toMatch(/it is a redirect \(status 304\)\.$/);
  });

  it('reads at most 64 KiB of an endless body', async () => {
    let chunks = 0;
    const endless = () =>
      new Response(
        new ReadableStream({
          pull: (controller) => {
            chunks += 1;
            if (chunks > 1_000) controller.close();
            else controller.enqueue(Buffer.alloc(4_096, ' '));
          },
        }),
      );
    const { problem } = failedStep(await ask(endless));
    expect(problem).toMatchObject({ code: 'response_invalid' });
    expect(problem?.message).toContain('it is larger than 65536 bytes');
    expect(chunks).toBeLessThan(100);
  });
});

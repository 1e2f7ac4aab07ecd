import { beforeEach, describe, expect, it } from 'vitest';
import { CallGates } from '../../../lib/core/http/call-gates.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';

const MAX_DELAY_MS = 60_000;
const ALICE = 'alice';

let runtime: FakeRuntime;
let gates: CallGates;
let sent: string[];
beforeEach(() => {
  runtime = new FakeRuntime();
  runtime.randomValue = 0.5; // jitter of the pause: 500 ms; of the pace: none
  gates = new CallGates(runtime, MAX_DELAY_MS);
  sent = [];
});

const never = new AbortController().signal;

/** Sends a call like a client. `sent` gets its name when the gate admits it. */
async function send(name: string, isRepeat = false, signal = never, user = ALICE): Promise<void> {
  if (!gates.pass(user)) await gates.wait(user, isRepeat, signal);
  sent.push(name);
}

/** Sends a call that is rate limited. */
const refuse = (pauseMs: number, user = ALICE) => gates.refused(user, gates.mark, pauseMs);

describe('A gate', () => {
  it('does not exist before a 429', () => {
    expect(gates.pass(ALICE)).toBe(true);
    gates.accepted(ALICE, gates.mark);
    expect(gates.pass(ALICE)).toBe(true);
    expect(runtime.timers).toBe(0);
  });

  it('holds the calls of its user until the pause and its jitter are over', async () => {
    refuse(10_000);
    void send('first');
    await runtime.advance(10_499);
    expect(sent).toEqual([]);
    await runtime.advance(1);
    expect(sent).toEqual(['first']);
    expect(runtime.timers).toBe(0);
  });

  it('does not hold the calls of another user', async () => {
    refuse(10_000);
    await send('of Bob', false, never, 'bob');
    expect(sent).toEqual(['of Bob']);
  });

  it('releases calls one after another, repetitions first, the others in their order', async () => {
    refuse(1_000);
    for (const name of ['one', 'two', 'three']) void send(name);
    void send('again', true);
    await runtime.advance(1_500);
    expect(sent).toEqual(['again']);
    await runtime.advance(99);
    expect(sent).toEqual(['again']);
    await runtime.advance(1);
    expect(sent).toEqual(['again', 'one']);
    await runtime.advance(300);
    expect(sent).toEqual(['again', 'one', 'two', 'three']);
  });

  it('releases calls at uneven intervals', async () => {
    refuse(1_000);
    const times: number[] = [];
    const randoms = [0, 0.9, 0.1, 0.5];
    runtime.random = () => randoms.shift() ?? 0.5;
    for (let call = 0; call < 4; call++) {
      void send(String(call)).then(() => times.push(runtime.monotonic()));
    }
    await runtime.advance(5_000);
    const gaps = times.slice(1).map((time, index) => Math.ceil(time - (times[index] ?? 0)));
    expect(gaps).toEqual([50, 140, 60]);
  });

  it('doubles the pace in ten seconds without a 429', async () => {
    refuse(0);
    await runtime.advance(10_500);
    void send('one');
    void send('two');
    await settled();
    expect(sent).toEqual(['one']);
    await runtime.advance(51);
    expect(sent).toEqual(['one', 'two']);
  });

  it('learns the pace from the calls that were accepted between two pauses', async () => {
    refuse(1_000);
    await runtime.advance(1_500);
    for (let call = 0; call < 20; call++) {
      await send(String(call));
      gates.accepted(ALICE, gates.mark);
      await runtime.advance(150);
    }
    refuse(1_500); // 20 calls from one reopening to the next one, 4.5 s later: one each 225 ms
    sent = [];
    void send('one');
    void send('two');
    await runtime.advance(2_000);
    expect(sent).toEqual(['one']);
    await runtime.advance(220);
    expect(sent).toEqual(['one']);
    await runtime.advance(10);
    expect(sent).toEqual(['one', 'two']);
  });

  it('slows down to one call a second, and not more, while no call is accepted', async () => {
    for (let pause = 0; pause < 20; pause++) {
      refuse(0);
      void send('probe');
      await runtime.advance(2_000);
    }
    expect(sent).toHaveLength(20);
    refuse(0);
    sent = [];
    for (let call = 0; call < 5; call++) void send(String(call));
    await runtime.advance(1_400);
    expect(sent).toHaveLength(1);
    await runtime.advance(3_000);
    expect(sent.length).toBeGreaterThanOrEqual(4);
  });

  it('closes for longer if a call from before the pause has a longer Retry-After', async () => {
    const mark = gates.mark;
    gates.refused(ALICE, mark, 1_000);
    gates.refused(ALICE, mark, 5_000);
    gates.refused(ALICE, mark, 2_000);
    void send('first');
    await runtime.advance(4_999);
    expect(sent).toEqual([]);
    await runtime.advance(1);
    expect(sent).toEqual(['first']);
  });

  it('closes for the longest delay at most', async () => {
    refuse(3_600_000);
    void send('first');
    await runtime.advance(MAX_DELAY_MS);
    expect(sent).toEqual(['first']);
  });

  it('sends a call that has waited for the longest delay, although the gate closed again', async () => {
    refuse(50_000);
    void send('patient');
    await runtime.advance(40_000);
    gates.refused(ALICE, gates.mark, 50_000);
    void send('new');
    await runtime.advance(19_999);
    expect(sent).toEqual([]);
    await runtime.advance(1);
    expect(sent).toEqual(['patient']);
    await runtime.advance(25_000);
    expect(sent).toEqual(['patient']);
    await runtime.advance(10_000);
    expect(sent).toEqual(['patient', 'new']);
  });

  it('opens when a call that was sent during the pause is accepted', async () => {
    refuse(50_000);
    void send('waiting');
    gates.accepted(ALICE, gates.mark);
    await settled();
    await runtime.advance(0);
    expect(sent).toEqual(['waiting']);
  });

  it('stays closed when a call from before the pause is accepted', async () => {
    const before = gates.mark;
    refuse(50_000);
    gates.accepted(ALICE, before);
    void send('waiting');
    await runtime.advance(40_000);
    expect(sent).toEqual([]);
  });

  it('is forgotten a minute after it opened', async () => {
    refuse(1_000);
    await runtime.advance(61_500);
    expect(gates.pass(ALICE)).toBe(true);
    expect(gates.pass(ALICE)).toBe(false);
    await runtime.advance(1);
    expect(gates.pass(ALICE)).toBe(true);
    expect(gates.pass(ALICE)).toBe(true);
  });
});

describe('A call that waits at a gate', () => {
  it('fails with the reason of its signal, and leaves no timer', async () => {
    refuse(10_000);
    const caller = new AbortController();
    const failed = send('left', false, caller.signal).catch((error: unknown) => error);
    await settled();
    expect(runtime.timers).toBe(1);
    caller.abort('the user left');
    expect(await failed).toBe('the user left');
    expect(runtime.timers).toBe(0);
    await runtime.advance(20_000);
    expect(sent).toEqual([]);
  });

  it('does not delay the others when it leaves', async () => {
    refuse(1_000);
    const caller = new AbortController();
    const failed = send('left', false, caller.signal).catch(() => 'aborted');
    void send('stays');
    await settled();
    caller.abort();
    expect(await failed).toBe('aborted');
    await runtime.advance(1_500);
    expect(sent).toEqual(['stays']);
  });
});

it('The gates of at most 10,000 users are kept', async () => {
  for (let user = 0; user < 10_001; user++) refuse(30_000, String(user));
  expect(gates.pass('0')).toBe(true);
  expect(gates.pass('1')).toBe(false);
  expect(gates.pass('10000')).toBe(false);
});

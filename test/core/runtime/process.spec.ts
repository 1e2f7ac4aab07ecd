import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BoxEmulator } from 'nestjs-box-auth/testing';

let emulator: BoxEmulator;
let bundle: string;
beforeAll(async () => {
  emulator = await BoxEmulator.start();
  const { rolldown } = await import('rolldown');
  const built = await rolldown({
    input: 'lib/box/box-auth.ts',
    platform: 'node',
    external: /^[^./]/,
  });
  const { output } = await built.generate({ format: 'esm' });
  bundle = output[0].code;
});
afterAll(() => emulator.stop());

/** Runs a script that uses `box` in a process of its own. Returns its output and exit code. */
async function run(script: string): Promise<{ printed: string; code: number | null }> {
  const child = spawn(process.execPath, ['--input-type=module', '-'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(`${bundle}\nconst box = new BoxAuth(${options()}).provider;\n${script}`);
  let printed = '';
  child.stdout.on('data', (chunk) => (printed += String(chunk)));
  const [code] = await once(child, 'exit');
  return { printed, code: typeof code === 'number' ? code : null };
}

const options = () =>
  JSON.stringify({ credentials: { config: emulator.config }, apiUrl: emulator.url });

describe('A script', () => {
  it('that awaits a token does not exit before a retry', async () => {
    emulator.failNext('token', { kind: 'rate-limit', retryAfter: 1 });
    expect(await run('console.log((await box.getToken()).subject.type);')).toEqual({
      printed: 'enterprise\n',
      code: 0,
    });
  });

  it('that has its token exits on its own', async () => {
    expect((await run('await box.getToken();')).code).toBe(0);
  });

  it('that awaits a token does not exit when another caller aborts', async () => {
    emulator.failNext('token', { kind: 'rate-limit', retryAfter: 1 });
    const script = `
      const controller = new AbortController();
      box.getToken({ signal: controller.signal }).catch((error) => console.log(error.message));
      setTimeout(() => controller.abort(new Error('gone')), 300);
      console.log((await box.getToken()).subject.type);`;
    expect(await run(script)).toEqual({ printed: 'gone\nenterprise\n', code: 0 });
  });

  it('that aborted its wait exits while the token request is still retried', async () => {
    emulator.clearRequests();
    emulator.failNext('token', { kind: 'rate-limit', retryAfter: 25 });
    const script = `
      const controller = new AbortController();
      const work = box.getToken({ signal: controller.signal }).catch((error) => console.log(error.message));
      setTimeout(() => controller.abort(new Error('gone')), 300);
      await work;`;
    expect(await run(script)).toEqual({ printed: 'gone\n', code: 0 });
    expect(emulator.tokenRequests).toHaveLength(1);
  });
});

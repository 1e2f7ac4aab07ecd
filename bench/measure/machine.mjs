import { availableParallelism, cpus, release, totalmem, type } from 'node:os';

/** What the figures were measured on, without a name or a path. */
export function describeMachine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    openssl: process.versions.openssl,
    os: `${type()} ${release()}, ${process.arch}`,
  };
}

import { availableParallelism, cpus, release, totalmem, type } from 'node:os';

/** Describes the machine of the measurements, without names or paths. */
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

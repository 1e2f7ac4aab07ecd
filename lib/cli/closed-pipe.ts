/** `doctor | head`: who reads no further has no need of an error. The command goes on to its end, and to its exit code. */
export function tolerateClosedPipe(stream: NodeJS.WritableStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

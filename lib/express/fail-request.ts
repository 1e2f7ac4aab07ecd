/** Express ignores undefined and the word 'route' as errors: the request would continue. */
export function failRequest(
  next: (error: unknown) => void,
  middleware: string,
): (thrown: unknown) => void {
  return (thrown) =>
    next(
      thrown instanceof Error
        ? thrown
        : new Error(`A function of ${middleware} threw a value that is not an Error.`, {
            cause: thrown,
          }),
    );
}

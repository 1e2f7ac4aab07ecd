/** Promise.withResolvers, which Node has from version 22 on. */
export function deferred(): {
  promise: Promise<void>;
  resolve: () => void;
  reject: (error: Error) => void;
} {
  const settle = { resolve: (): void => undefined, reject: (_error: Error): void => undefined };
  const promise = new Promise<void>((resolve, reject) => {
    Object.assign(settle, { resolve, reject });
  });
  return {
    promise,
    resolve: () => settle.resolve(),
    reject: (error) => settle.reject(error),
  };
}

/** The name of the demo user, or an empty string. */
export const signedIn = () => /(?:^|; )demo-user=([^;]*)/.exec(document.cookie)?.[1] ?? '';

/** Calls the portal. Returns the JSON of its response, and throws its message for an error. */
export async function call(path, init) {
  const response = await fetch(path, init);
  if (response.status === 204) return undefined;
  const body = await response.json();
  if (!response.ok) throw Object.assign(new Error(body.message), { status: response.status });
  return body;
}

/** Uploads a file. `onProgress` gets the share that has been sent, from 0 to 1. `fetch` does not report it. */
export function upload(path, file, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', path);
    request.responseType = 'json';
    request.upload.addEventListener('progress', ({ loaded, total }) => onProgress(loaded / total));
    request.addEventListener('error', () => reject(new Error('The portal does not respond.')));
    request.addEventListener('load', () => {
      if (request.status === 201) resolve(request.response);
      else reject(new Error(request.response?.message ?? 'The upload failed.'));
    });
    request.send(file);
  });
}

/** Runs `show` now and every second while the page is visible. Returns a function that runs it at once. */
export function everySecond(show) {
  let timer;
  async function run() {
    clearTimeout(timer);
    if (!document.hidden) await show();
    clearTimeout(timer);
    timer = setTimeout(run, 1000);
  }
  document.addEventListener('visibilitychange', run);
  void run();
  return run;
}

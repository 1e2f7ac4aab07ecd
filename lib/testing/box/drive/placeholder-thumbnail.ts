import type { DownloadedFile } from '../../http/download-origin.js';

/** The graphic for a file that has no thumbnail: one grey pixel. */
export const PLACEHOLDER_THUMBNAIL: DownloadedFile = {
  name: 'placeholder.png',
  contentType: 'image/png',
  content: Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGOoBwAAgQCAVdKBsQAAAABJRU5ErkJggg==',
    'base64',
  ),
};

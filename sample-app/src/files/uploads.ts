import { type Readable } from 'node:stream';
import { HttpService } from '@nestjs/axios';
import { Injectable } from '@nestjs/common';
import { isAxiosError } from 'axios';
import FormData from 'form-data';
import { firstValueFrom } from 'rxjs';
import { invalidJsonException, exceptionFor, networkException } from '../box/box-response.js';

export interface NewFile {
  readonly folderId: string;
  readonly name: string;
  readonly contentType: string;
  readonly body: Readable;
}

/** Uploads with axios: `HttpService` of `BoxHttpModule` adds the token and the acting user. */
@Injectable()
export class Uploads {
  constructor(private readonly http: HttpService) {}

  async upload({ folderId, name, contentType, body }: NewFile): Promise<object> {
    const form = new FormData();
    // Box requires the attributes before the file.
    form.append('attributes', JSON.stringify({ name, parent: { id: folderId } }));
    form.append('file', body, { filename: name, contentType });

    const upload = this.http.post<unknown>('/api/2.0/files/content', form);
    const { data } = await firstValueFrom(upload).catch((error: unknown) => {
      throw asHttpError(error);
    });
    if (typeof data === 'object' && data !== null) return data;
    throw invalidJsonException();
  }
}

function asHttpError(error: unknown): unknown {
  const status = isAxiosError(error) ? error.response?.status : undefined;
  return status === undefined ? networkException(error) : exceptionFor(status);
}

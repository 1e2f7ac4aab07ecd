import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';

/** Accepts only the id of a file or folder, as it becomes part of a Box URL. */
@Injectable()
export class BoxIdPipe implements PipeTransform<unknown, string> {
  transform(id: unknown): string {
    if (typeof id === 'string' && /^\d{1,20}$/.test(id)) return id;
    throw new BadRequestException('Invalid id: expected a Box id, a number of up to 20 digits.');
  }
}

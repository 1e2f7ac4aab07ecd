import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';

/** Lets the id of a file or folder through. It becomes part of an address of Box, so nothing else may. */
@Injectable()
export class BoxIdPipe implements PipeTransform<unknown, string> {
  transform(id: unknown): string {
    if (typeof id === 'string' && /^\d{1,20}$/.test(id)) return id;
    throw new BadRequestException('An id of Box is a number of up to 20 digits.');
  }
}

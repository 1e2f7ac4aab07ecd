import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';

/** Accepts only names that Box accepts: 1 to 255 printable characters without slashes. */
@Injectable()
export class FileNamePipe implements PipeTransform<unknown, string> {
  transform(name: unknown): string {
    if (typeof name === 'string' && /^[^/\\\p{Cc}]{1,255}$/u.test(name) && isOrdinary(name)) {
      return name;
    }
    throw new BadRequestException(
      'Invalid file name: expected 1 to 255 characters without slashes.',
    );
  }
}

function isOrdinary(name: string): boolean {
  return name !== '.' && name !== '..' && name === name.trim();
}

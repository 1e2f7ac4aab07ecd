import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';

/** Lets a name through that Box would take: 1 to 255 printable characters, none of them a slash. */
@Injectable()
export class FileNamePipe implements PipeTransform<unknown, string> {
  transform(name: unknown): string {
    if (typeof name === 'string' && /^[^/\\\p{Cc}]{1,255}$/u.test(name) && isOrdinary(name)) {
      return name;
    }
    throw new BadRequestException('A file needs a name of 1 to 255 characters without slashes.');
  }
}

function isOrdinary(name: string): boolean {
  return name !== '.' && name !== '..' && name === name.trim();
}

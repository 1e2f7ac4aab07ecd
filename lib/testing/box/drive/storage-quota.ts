/** The number of bytes that the emulator keeps: of files, their versions, the trash and open upload sessions. */
export class StorageQuota {
  readonly maxBytes: number;
  #usedBytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  hasRoomFor(bytes: number): boolean {
    return this.#usedBytes + bytes <= this.maxBytes;
  }

  /** @throws RangeError if there is no room */
  add(bytes: number): void {
    if (!this.hasRoomFor(bytes)) {
      throw new RangeError(
        `The emulated Box is full: it keeps ${this.maxBytes} bytes, ${this.#usedBytes} of which are in use, and cannot add ${bytes}`,
      );
    }
    this.#usedBytes += bytes;
  }

  remove(bytes: number): void {
    this.#usedBytes -= bytes;
  }
}

/**
 * Tells the agent how far a followed shard is written, one request at a time.
 *
 * What is written meanwhile goes with the next request.
 */

export class FollowedWrites {
  readonly #tell: (sizeBytes: number) => Promise<void>;
  #sizeBytes = 0;
  #toldBytes = 0;
  #telling: Promise<void> | undefined;

  /** @param tell Resolves when the writer may go on. */
  constructor(tell: (sizeBytes: number) => Promise<void>) {
    this.#tell = tell;
  }

  /** Resolves when the agent knows of everything and the readers are near. */
  grew(sizeBytes: number): Promise<void> {
    this.#sizeBytes = sizeBytes;
    this.#telling ??= this.#tellAll();
    return this.#telling;
  }

  async #tellAll(): Promise<void> {
    try {
      while (this.#toldBytes < this.#sizeBytes) {
        const sizeBytes = this.#sizeBytes;
        await this.#tell(sizeBytes);
        this.#toldBytes = sizeBytes;
      }
    } finally {
      this.#telling = undefined;
    }
  }
}

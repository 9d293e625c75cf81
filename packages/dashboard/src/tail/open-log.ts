import type { FileHandle } from 'node:fs/promises'

/** An open log file. A rotated file is still read through its handle, whatever its name is now. */
export class OpenLog {
  readonly path: string
  readonly file: FileHandle
  /** The offset where live reading began. Bytes before it are read backwards, newest first. */
  readonly liveFrom: number
  /** Bytes before this offset are not read yet. */
  unreadBefore: number
  /** Whether its contents were replaced or its handle was closed. */
  isGone = false

  constructor(path: string, file: FileHandle, liveFrom: number) {
    this.path = path
    this.file = file
    this.liveFrom = liveFrom
    this.unreadBefore = liveFrom
  }

  /** Whether older lines remain to be read. */
  get isBackfilling(): boolean {
    return !this.isGone && this.unreadBefore > 0
  }
}

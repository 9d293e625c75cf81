import type { FileHandle } from 'node:fs/promises'

/** One file on the disk, whatever it is called by now: a rotated log is still read by its handle. */
export class OpenLog {
  readonly path: string
  readonly file: FileHandle
  /** Where reading began that follows its growth: what stands before is read backwards, newest first. */
  readonly liveFrom: number
  /** What lies before this offset was not read yet. */
  unreadBefore: number
  /** Its bytes are no longer what they were. */
  isGone = false

  constructor(path: string, file: FileHandle, liveFrom: number) {
    this.path = path
    this.file = file
    this.liveFrom = liveFrom
    this.unreadBefore = liveFrom
  }

  /** Whether older lines are still to be read. */
  get isBackfilling(): boolean {
    return !this.isGone && this.unreadBefore > 0
  }
}

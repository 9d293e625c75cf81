import type { FileHandle } from 'node:fs/promises'

let opened = 0

/** How far a log was read by an earlier process. */
export interface ReadBefore {
  /** Its number in that process: links to lines name it. */
  readonly number: number
  readonly unreadFrom: number
  readonly unreadBefore: number
  readonly readTo: number
}

/** An open log file. A rotated file is still read through its handle, whatever its name is now. */
export class OpenLog {
  /** Identifies it among all that this process opened. */
  readonly number: number
  readonly path: string
  readonly file: FileHandle
  /** The offset where live reading began. Bytes before it are read backwards, newest first. */
  readonly liveFrom: number
  /** When the file was last changed before it was opened: dates without a year are read by it. */
  readonly writtenAt: number
  /** Bytes before this offset were read by an earlier process. */
  readonly unreadFrom: number
  /** Bytes before this offset are not read yet. */
  unreadBefore: number
  /** The offset after the last byte that was read. */
  readTo: number
  /** The first bytes of the file. */
  head: Buffer = Buffer.alloc(0)
  /** Whether its contents were replaced or its handle was closed. */
  isGone = false
  /** Its device and inode; empty for what is no file with a name. */
  identity = ''
  /** Called when its handle is closed. */
  onClose: () => void = () => {}

  constructor(
    path: string,
    file: FileHandle,
    liveFrom: number,
    writtenAt: number = Date.now(),
    before?: Partial<ReadBefore>,
  ) {
    opened = Math.max(opened + 1, before?.number ?? 0)
    this.number = before?.number ?? opened
    this.path = path
    this.file = file
    this.liveFrom = liveFrom
    this.writtenAt = writtenAt
    this.unreadFrom = before?.unreadFrom ?? 0
    this.unreadBefore = before?.unreadBefore ?? liveFrom
    this.readTo = before?.readTo ?? liveFrom
  }

  /** Whether older lines remain to be read. */
  get isBackfilling(): boolean {
    return !this.isGone && this.unreadBefore > this.unreadFrom
  }

  /** Closes the handle. A second call does nothing. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.isGone = true
    this.onClose()
    await this.file.close()
  }

  #isClosed = false
}

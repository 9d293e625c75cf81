import type { BigIntStats } from 'node:fs'
import type { OpenLog } from './open-log.ts'

/** The most closed files that are remembered. */
const CLOSED_MAX = 1_000

/** How far a file was read, and how it began: an inode number may belong to another file later. */
export interface ReadSoFar {
  readonly offset: number
  readonly head: Buffer
}

/** Identifies a file whatever its names are: by device and inode. Some file systems use all 64 bits of an inode. */
export function identityOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}`
}

/**
 * Knows which files are being read or were read, over all paths.
 *
 * A file may have several paths at once (a link, `./a.log`) or one after the other (a rename chain). It is counted once.
 */
export class FileIdentities {
  readonly #open = new Map<string, { readonly owner: object; readonly log: OpenLog }>()
  readonly #closed = new Map<string, ReadSoFar>()
  readonly #claimed = new Map<string, object>()

  /** Returns the log of a file that is open, and the tail that reads or read it. */
  open(identity: string): { readonly owner: object; readonly log: OpenLog } | undefined {
    return this.#open.get(identity)
  }

  /** Returns how far a closed file was read. */
  closed(identity: string): ReadSoFar | undefined {
    return this.#closed.get(identity)
  }

  /** Another process read a file so far. */
  remember(identity: string, { offset, head }: ReadSoFar): void {
    this.#closed.set(identity, { offset, head: Buffer.from(head) })
  }

  /** A tail opened a file. */
  hold(identity: string, owner: object, log: OpenLog): void {
    this.#closed.delete(identity)
    this.#open.set(identity, { owner, log })
    log.identity = identity
    log.onClose = () => this.#release(identity, log)
  }

  /** Claims a file that is read once and never again. Returns whether it is `owner`'s. */
  claim(identity: string, owner: object): boolean {
    const claimed = this.#claimed.get(identity) ?? owner
    this.#claimed.set(identity, claimed)
    return claimed === owner
  }

  #release(identity: string, log: OpenLog): void {
    if (this.#open.get(identity)?.log !== log) return
    this.#open.delete(identity)
    this.#closed.set(identity, { offset: log.readTo, head: log.head })
    if (this.#closed.size <= CLOSED_MAX) return
    for (const oldest of this.#closed.keys()) {
      this.#closed.delete(oldest)
      return
    }
  }
}

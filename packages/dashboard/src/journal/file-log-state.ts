import { readSync } from 'node:fs'
import type { KnownState, SectionState } from '../lines/reader/line-reader.ts'
import type { ReadSoFar } from '../tail/file-identities.ts'
import type { OpenLog, ReadBefore } from '../tail/open-log.ts'
import type { FactsState } from './file-facts.ts'

const END_BYTES = 1_024

/** How far one open file was read, to be written into another one. */
export interface LogState extends ReadBefore {
  readonly identity: string
  readonly liveFrom: number
  readonly writtenAt: number
  /** The first bytes of the file. */
  readonly head: Uint8Array
  /** The last bytes before `readTo`: a file with the same beginning may have other lines. */
  readonly end: Uint8Array
}

/** What was read from the files of one path, to be written into another file. */
export interface FileLogState {
  readonly path: string
  readonly facts: FactsState
  readonly known: KnownState
  readonly newer: SectionState
  readonly older: SectionState
  readonly isUnreadable: boolean
  /** Whether the first lines of the current file were looked at. */
  readonly isProbed: boolean
  readonly current: LogState | undefined
  readonly rotated: readonly LogState[]
  /** Files that were read to their ends and are no longer open. */
  readonly released: readonly (ReadSoFar & { readonly identity: string })[]
  /** The block that is being read: where it starts, and the traces in it. */
  readonly blockStart: number
  readonly hashes: ReadonlySet<number>
}

/** Returns how far a file was read. What follows `readTo` is read again. */
export function stateOf(log: OpenLog, readTo: number): LogState {
  const { number, identity, unreadFrom, unreadBefore, liveFrom, writtenAt, head, file } = log
  const end = Buffer.alloc(Math.min(END_BYTES, readTo))
  // A few bytes that were read a moment ago: not worth a promise, and nothing else may be read meanwhile.
  const bytes = readSync(file.fd, end, 0, end.length, readTo - end.length)
  return { number, identity, unreadFrom, unreadBefore, liveFrom, writtenAt, head, readTo, end: end.subarray(0, bytes) }
}

/** Returns the open files that a state is about. */
export function logsIn(logs: ReadonlyMap<number, OpenLog>, states: readonly LogState[]): readonly OpenLog[] {
  return states.map(({ number }) => logs.get(number)).filter((log) => log !== undefined)
}

import type { PackedReader, PackedWriter } from '../counts/packed.ts'
import { packValue, unpackValue } from '../counts/packed-value.ts'
import type { OpenLog } from '../tail/open-log.ts'
import type { FileLogState } from './file-log-state.ts'
import type { Journal } from './journal.ts'
import { reopen } from './reopen.ts'

/** All that was read. One iterable after the other packs it; each step means that the writer is full. */
export interface FilesState {
  /** Where the files were read to, counts and lists: no line may be read until they are packed. */
  readonly counts: Iterable<void>
  /** The filters of traces, as they were. Lines may be read meanwhile. */
  readonly filters: Iterable<void>
}

/** The files that another process read, open again. */
export interface Reopened {
  readonly states: readonly FileLogState[]
  /** By their numbers. */
  readonly logs: ReadonlyMap<number, OpenLog>
}

/** Packs all that was read from files with these states. */
export function packFiles(
  states: readonly FileLogState[],
  journal: Journal,
  into: PackedWriter,
  bytesMax: number,
): FilesState {
  return { counts: packCounts(states, journal, into, bytesMax), filters: journal.traces.pack(into) }
}

function* packCounts(
  states: readonly FileLogState[],
  journal: Journal,
  into: PackedWriter,
  bytesMax: number,
): Generator<void> {
  packValue(states, into)
  yield* journal.pack(into, bytesMax)
}

/**
 * Opens the files of a packed state. `paths` are those that are named now.
 *
 * @throws an error that says which file is not as it was read
 */
export async function reopenFiles(from: PackedReader, paths: readonly string[]): Promise<Reopened> {
  const states = unpackValue<readonly FileLogState[]>(from)
  return { states, logs: await reopen(states, paths) }
}

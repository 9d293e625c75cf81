import { PackedReader, PackedWriter } from '../counts/packed.ts'
import { unpackValue } from '../counts/packed-value.ts'
import { Timeline } from '../counts/timeline.ts'
import type { Journal } from '../journal/journal.ts'
import type { LogFiles } from '../journal/log-files.ts'

const BYTES_MAX = 100_000_000

/** Returns all that is packed, in one piece. */
export function packed(pack: (into: PackedWriter) => Iterable<void>): Uint8Array {
  const into = new PackedWriter()
  for (const _ of pack(into));
  return new Uint8Array(into.packed)
}

/** What a journal stores, in a form that can be compared. */
export function storedBy(journal: Journal) {
  const { cells, named, breakers, services, traces, errors, errorGroups } = journal
  const [ofServices, ofGroups] = [
    new PackedReader(packed((into) => services.pack(into))),
    new PackedReader(packed((into) => errorGroups.pack(into, BYTES_MAX))),
  ]
  new Timeline((cell) => cell).restore(ofGroups)
  return {
    ...{ cells: cells.state, breakers: breakers.state, errors: errors.state, tail: journal.tail.items },
    named: packed((into) => named.pack(into, BYTES_MAX)),
    traces: packed((into) => traces.pack(into)),
    watches: Array.from({ length: ofServices.integer() }, () => unpackValue(ofServices)),
    edges: unpackValue(ofServices),
    calls: callsFrom(ofServices),
    grouped: packed((into) => errorGroups.timeline.pack(into, BYTES_MAX)),
    errorGroups: unpackValue<{ readonly cells: readonly unknown[] }>(ofGroups),
  }
}

/** Recent spans, and requests that wait for their callers: tables after their lengths. */
function callsFrom(from: PackedReader): unknown {
  const tables = (count: number) => Array.from({ length: count }, () => from.bytes())
  return [from.integer(), from.integer(), tables(4), from.integer(), tables(17)]
}

/** What files store, in a form that can be compared. It does not change any more. */
export function storedByFiles(files: LogFiles) {
  const ofFiles = packed((into) => files.state(into, BYTES_MAX)?.counts ?? [])
  return structuredClone({ logs: unpackValue(new PackedReader(ofFiles)), ...storedBy(files.journal) })
}

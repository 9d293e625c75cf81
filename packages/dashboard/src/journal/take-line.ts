import { AHEAD_MS_MIN } from '../counts/watch/clock-offset.ts'
import type { LogLine } from '../lines/log-line.ts'
import { hashOf } from '../traces/trace-filter.ts'
import type { TraceHashes } from '../traces/trace-hashes.ts'
import { countLine, requestCell } from './count-line.ts'
import type { FileFacts } from './file-facts.ts'
import type { Journal } from './journal.ts'
import { addError } from './journal-entries.ts'
import type { LinePlace } from './line-place.ts'

/** A line further ahead of the clock counts as untimed: it would push every other line out of the timeline. */
const AHEAD_MS_MAX = 86_400_000

/** Where a line comes from. */
export interface LineSource {
  readonly facts: FileFacts
  /** The service of a line that names none. */
  readonly service: string
  /** The hashes of traces. */
  readonly hashes: TraceHashes
  /** Whether the line is new, and not an older one of a large file. */
  readonly isLive: boolean
  readonly place: LinePlace | undefined
}

/** Counts a line that was read, and adds it to the lists that it belongs to. `now` is the reader's clock. */
export function takeLine(journal: Journal, line: LogLine, now: number, from: LineSource): void {
  const { facts, hashes, isLive, place } = from
  facts.addFormat(line.format)
  if (line.isRequest) facts.requests += 1
  const traceHash = line.traceId === undefined ? undefined : hashOf(line.traceId)
  if (traceHash !== undefined) hashes.add(traceHash)
  facts.hasLocalTimes ||= line.isLocalTime
  const at = line.at !== undefined && line.at <= now + AHEAD_MS_MAX ? line.at : undefined
  if (at === undefined) facts.untimed += 1
  else if (at > now + AHEAD_MS_MIN) facts.addAhead(at - now)
  const service = line.service ?? from.service
  const { services } = journal
  const shownAt = at === undefined ? undefined : services.watch(service).shift.shown(at, now, isLive)
  const cell = requestCell(journal, line, service)
  const kept = countLine(journal, line, service, shownAt, now, cell)
  if (isLive && at !== undefined && kept === false) facts.late += 1
  if (at !== undefined && shownAt !== undefined) services.add(line, service, at, shownAt, now, isLive, traceHash, cell)
  addError(journal, line, service, shownAt, now, place)
  journal.liveTail.add(shownAt, line, service, place?.ref)
  // Only now: a move takes all that was added, and this line is part of it.
  if (isLive && at !== undefined && at > now + AHEAD_MS_MIN) journal.settleAhead(services.watch(service))
}

import type { LoggedError } from '../counts/errors/logged-error.ts'
import { type Kind, kindOfStatus } from '../lines/kind.ts'
import { clippedName, shortened } from '../lines/log-fields.ts'
import { KIND_BUSINESS, KIND_TECHNICAL } from '../lines/scan/scanned-failures.ts'
import type { ScannedLines } from '../lines/scan/scanned-lines.ts'
import { NAME_MAX, TEXT_MAX } from './journal-entries.ts'
import type { LinePlace } from './line-place.ts'
import type { RowJournal } from './row-journal.ts'
import type { RowNames } from './row-names.ts'


/** Returns the kind of the error of a failed request whose line was scanned. */
export function kindOfRow({ failures, statuses }: ScannedLines, row: number, failure: number): Kind {
  const kind = failures.kinds[failure] ?? 0
  if (kind === KIND_BUSINESS) return 'business'
  return kind === KIND_TECHNICAL ? 'technical' : kindOfStatus(undefined, statuses[row])
}

/** Adds the error of a failed request whose line was scanned, as `addError` does with a line. */
export function addRowError(
  journal: RowJournal,
  lines: ScannedLines,
  row: number,
  failure: number,
  names: RowNames,
  bytes: Buffer,
  service: string,
  kind: Kind,
  at: number,
  now: number,
  place: LinePlace | undefined,
): void {
  const { failures } = lines
  const code = names.code(failures.codes[failure] ?? 0)
  const ref = place?.ref
  const error = {
    at,
    service: clippedName(service, NAME_MAX),
    route: names.route(lines.routes[row] ?? 0),
    status: lines.statuses[row],
    code: code === undefined ? undefined : clippedName(code, NAME_MAX),
    kind,
    detail: textAt(bytes, failures.messageStarts[failure], failures.messageEnds[failure], TEXT_MAX),
    path: textAt(bytes, failures.pathStarts[failure], failures.pathEnds[failure], TEXT_MAX),
    traceId: textAt(bytes, failures.traceStarts[failure], failures.traceEnds[failure], NAME_MAX),
    spanId: textAt(bytes, failures.spanStarts[failure], failures.spanEnds[failure], NAME_MAX),
    isHidden: false,
    ref,
  } satisfies LoggedError & { readonly ref: unknown }
  journal.errorGroups.add(error, now)
  if (journal.errors.accepts(kind, at)) journal.errors.add(error)
}

function textAt(bytes: Buffer, start = 0, end = 0, charactersMax: number): string | undefined {
  if (end === 0) return undefined
  const text = bytes.toString('utf8', start, end)
  return text.length > charactersMax ? shortened(text, charactersMax) : text
}

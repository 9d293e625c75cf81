import { type LoggedError, NO_ID } from '../counts/errors/logged-error.ts'
import { type Kind, kindOfStatus } from '../lines/kind.ts'
import { clippedName, shortened } from '../lines/log-fields.ts'
import { KIND_BUSINESS, KIND_TECHNICAL, type ScannedFailures } from '../lines/scan/scanned-failures.ts'
import { HAS_SPAN, HAS_TRACE, type ScannedLines } from '../lines/scan/scanned-lines.ts'
import { hashOf } from '../traces/trace-filter.ts'
import { NAME_MAX, TEXT_MAX } from './error-line.ts'
import type { LinePlace } from './line-place.ts'
import type { RowJournal } from './row-journal.ts'
import type { RowNames } from './row-names.ts'

/** Returns the kind of the error of a failed request whose line was scanned. */
export function kindOfRow({ failures, statuses }: ScannedLines, row: number, failure: number): Kind {
  const kind = failures.kinds[failure] ?? 0
  if (kind === KIND_BUSINESS) return 'business'
  return kind === KIND_TECHNICAL ? 'technical' : kindOfStatus(undefined, statuses[row])
}

const NO_BYTES = Buffer.alloc(0)

/** Adds the errors of failed requests whose lines were scanned, as `addError` does with lines. */
export class FailedRows {
  readonly #journal: RowJournal
  // The row that is being added. Its ids are made into texts only if its error is kept.
  #failures: ScannedFailures | undefined
  #bytes: Buffer = NO_BYTES
  #failure = 0
  readonly #request = { span: 0, trace: 0 }
  readonly #complete = (error: LoggedError): LoggedError => ({ ...error, ...this.#ids() })

  constructor(journal: RowJournal) {
    this.#journal = journal
  }

  /** Adds the error of a row, the failure of that number, that is counted at a time. `now` is the reader's clock. */
  add(
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
    this.#failures = lines.failures
    this.#bytes = bytes
    this.#failure = failure
    const { failures } = lines
    const { errors, errorGroups } = this.#journal
    const code = names.code(failures.codes[failure] ?? 0)
    const error: LoggedError = {
      at,
      service: clippedName(service, NAME_MAX),
      route: names.route(lines.routes[row] ?? 0),
      status: lines.statuses[row],
      code: code === undefined ? undefined : clippedName(code, NAME_MAX),
      kind,
      detail: textAt(bytes, failures.messageStarts[failure], failures.messageEnds[failure], TEXT_MAX),
      path: textAt(bytes, failures.pathStarts[failure], failures.pathEnds[failure], TEXT_MAX),
      traceId: undefined,
      spanId: undefined,
      isHidden: false,
    }
    const flags = lines.flags[row] ?? 0
    if ((flags & HAS_SPAN) === 0) errorGroups.add({ ...error, ...this.#ids() }, now)
    else {
      this.#request.span = hashAt(bytes, failures.spanStarts[failure], failures.spanEnds[failure], lines.spans[row])
      this.#request.trace =
        (flags & HAS_TRACE) === 0
          ? NO_ID
          : hashAt(bytes, failures.traceStarts[failure], failures.traceEnds[failure], lines.traces[row])
      errorGroups.add(error, now, this.#request, this.#complete)
    }
    if (!errors.accepts(kind, at, now)) return
    const { traceId, spanId } = this.#ids()
    // As `addError` does it, and no copy of `error`: all errors of the list are looked at for each new one, which takes
    // three times as long if they are not laid out alike.
    errors.add({
      at,
      service: error.service,
      route: error.route,
      status: error.status,
      code: error.code,
      kind,
      detail: error.detail,
      path: error.path,
      traceId,
      spanId,
      isHidden: false,
      ref: place?.ref,
    })
  }

  /** All rows of a block were added. Its memory belongs to the reader, and may be one that is no longer needed. */
  end(): void {
    this.#failures = undefined
    this.#bytes = NO_BYTES
  }

  #ids(): Pick<LoggedError, 'traceId' | 'spanId'> {
    const bytes = this.#bytes
    const failures = this.#failures
    const failure = this.#failure
    return {
      traceId: textAt(bytes, failures?.traceStarts[failure], failures?.traceEnds[failure], NAME_MAX),
      spanId: textAt(bytes, failures?.spanStarts[failure], failures?.spanEnds[failure], NAME_MAX),
    }
  }
}

/** Returns the hash of an id: that of its text, which is shortened if it is long. */
function hashAt(bytes: Buffer, start = 0, end = 0, hash = 0): number {
  return end - start > NAME_MAX ? hashOf(textAt(bytes, start, end, NAME_MAX) ?? '') : hash
}

function textAt(bytes: Buffer, start = 0, end = 0, charactersMax: number): string | undefined {
  if (end === 0) return undefined
  const text = bytes.toString('utf8', start, end)
  return text.length > charactersMax ? shortened(text, charactersMax) : text
}

import type { Declared } from '../lines/formats/line-of.ts'
import type { LogLine } from '../lines/log-line.ts'
import { LineReader, linesIn } from '../lines/reader/line-reader.ts'
import type { FoundLine } from '../report/line-facts.ts'
import type { Row } from './engine-client.ts'

const NUMBER = /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,12})?$/
/** Ids stay text, also those that look like numbers. */
const ID = /(?:^|[._-])(?:[a-z]*id|version|zip|phone)$/i
/** Objects whose fields are needed by name. Other nested fields keep the names with dots that the engine gives them. */
const NESTED = /^(counts|instance)\.(.+)$/
/** The service of a line that names none. */
const UNNAMED = 'unknown'

/** Reads the rows of the engine as log lines. */
export class EngineLines {
  readonly #reader: LineReader
  readonly #shown: string

  /** `shown` is the name of the engine. */
  constructor(declared: Declared, shown: string) {
    this.#reader = new LineReader(declared)
    this.#shown = shown
    if (declared.names.status === undefined) this.#reader.context.hasRequestEvents = true
  }

  /** Returns what a row says; undefined for one in no known format. */
  read(row: Row): FoundLine | undefined {
    const raw = textOf(row)
    const [line] = linesIn(this.#reader.read(raw))
    return line === undefined ? undefined : { line, service: line.service ?? UNNAMED, file: this.#shown, raw }
  }

  /** Returns what rows say, without those in no known format. */
  readAll(rows: readonly Row[]): readonly FoundLine[] {
    return rows.flatMap((row) => this.read(row) ?? [])
  }
}

/** A line with the time of its row in milliseconds. */
export function timeOf({ line }: { readonly line: LogLine }, row: Row): number {
  return line.at ?? Date.parse(row['_time'] ?? '')
}

/** Writes a row as the line that it was: the engine turns numbers into text, and objects into fields with dots. */
function textOf(row: Row): string {
  const { _time: timestamp, _msg: message, _stream: _, _stream_id: __, ...fields } = row
  // Without a prototype: a field may be named `__proto__`.
  const line: Record<string, unknown> = Object.assign(Object.create(null), { timestamp })
  if (message !== undefined) line[fields['event'] === undefined ? 'event' : 'message'] = message
  for (const [name, text] of Object.entries(fields)) {
    const [, outer, inner] = NESTED.exec(name) ?? []
    if (outer === undefined || inner === undefined) line[name] = typedOf(name, text)
    else line[outer] = { ...(line[outer] as object | undefined), [inner]: typedOf(inner, text) }
  }
  return JSON.stringify(line)
}

function typedOf(name: string, text: string): unknown {
  if (text === 'true') return true
  if (text === 'false') return false
  // `1.0` would not be written as it was.
  return NUMBER.test(text) && !ID.test(name) && String(Number(text)) === text ? Number(text) : text
}

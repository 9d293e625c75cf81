import { isJson, type Json } from '../../lines/log-fields.ts'
import { IntakeError } from './read-body.ts'

/** A line takes records up to this length, in characters. */
const LINE_LENGTH_MAX = 131_072
/** A record may be longer, but a line of 1 MiB is not read. */
const RECORD_LENGTH_MAX = 262_144
/** A line of many short records would be counted at once, and keep the dashboard from answering. */
const LINE_RECORDS_MAX = 1_000
/** Objects and lists of a request. Each takes several times the memory of its text. */
const CONTAINERS_MAX = 400_000
/** A resource is repeated in each line, so a long one would make the lines much longer than the request. */
const SHARED_LENGTH_MAX = 32_768

/** The lines of one request. */
export interface OtlpLines {
  /** One OpenTelemetry request per line, each with its newline. */
  readonly text: string
  /** Records that are in no line. */
  readonly rejected: number
  /** Why the first of them is not. */
  readonly reason: string | undefined
}

/**
 * Turns an OTLP/JSON request into lines that are short enough to be read, whatever its length and layout are.
 *
 * @throws IntakeError if it is no such request
 */
export function otlpLines(body: Buffer): OtlpLines {
  if (containersIn(body) > CONTAINERS_MAX)
    throw new IntakeError(413, `the body has more than ${CONTAINERS_MAX} objects and lists: send less at once`)
  let request: unknown
  try {
    request = JSON.parse(body.toString())
  } catch {
    throw new IntakeError(400, 'the body is not valid JSON')
  }
  if (!isJson(request)) throw new IntakeError(400, 'the body is no JSON object')
  const lines = new Lines()
  try {
    for (const [resource, at] of objectsOf(request['resourceLogs'], 'resourceLogs')) {
      lines.beginResource(resource['resource'])
      for (const [scope, within] of objectsOf(resource['scopeLogs'], `${at}.scopeLogs`)) {
        lines.beginScope(scope['scope'])
        for (const record of listOf(scope['logRecords'], `${within}.logRecords`)) lines.add(record)
      }
    }
    lines.end()
  } catch (error) {
    if (error instanceof IntakeError) throw error
    // JSON.stringify follows the nesting with the stack.
    throw new IntakeError(400, 'the body is nested too deeply')
  }
  return { text: lines.text, rejected: lines.rejected, reason: lines.reason }
}

function containersIn(body: Buffer): number {
  let count = 0
  for (const byte of body) if (byte === 0x7b || byte === 0x5b) count += 1
  return count
}

/** Collects the records of one resource after the other. Each line repeats only what is around its records. */
class Lines {
  text = ''
  rejected = 0
  reason: string | undefined
  #resource = ''
  #scope = ''
  #line = ''
  #isWithinScope = false
  #records = 0

  beginResource(resource: unknown): void {
    this.end()
    this.#resource = isJson(resource) ? JSON.stringify(resource) : '{}'
  }

  beginScope(scope: unknown): void {
    this.#isWithinScope = false
    this.#scope = isJson(scope) ? JSON.stringify(scope) : '{}'
  }

  add(record: unknown): void {
    const text = isJson(record) ? JSON.stringify(record) : ''
    const fault = this.#faultOf(text)
    if (fault !== undefined) {
      this.rejected += 1
      this.reason ??= fault
      return
    }
    if (this.#line.length + text.length > LINE_LENGTH_MAX || this.#records >= LINE_RECORDS_MAX) this.end()
    this.#records += 1
    this.#line += this.#isWithinScope ? `,${text}` : `${this.#opening()}${text}`
    this.#isWithinScope = true
  }

  end(): void {
    if (this.#line !== '') this.text += `${this.#line}]}]}]}\n`
    this.#line = ''
    this.#records = 0
    this.#isWithinScope = false
  }

  #opening(): string {
    const before = this.#line === '' ? `{"resourceLogs":[{"resource":${this.#resource},"scopeLogs":[` : ']},'
    return `${before}{"scope":${this.#scope},"logRecords":[`
  }

  #faultOf(record: string): string | undefined {
    if (record === '') return 'a log record is no object'
    if (record.length > RECORD_LENGTH_MAX) return `a log record is longer than ${RECORD_LENGTH_MAX} characters`
    if (this.#resource.length + this.#scope.length <= SHARED_LENGTH_MAX) return undefined
    return `a resource with its scope is longer than ${SHARED_LENGTH_MAX} characters`
  }
}

function listOf(value: unknown, path: string): readonly unknown[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new IntakeError(400, `${path} is no list`)
  return value as readonly unknown[]
}

function* objectsOf(value: unknown, path: string): Generator<readonly [value: Json, path: string]> {
  for (const [index, item] of listOf(value, path).entries()) {
    if (!isJson(item)) throw new IntakeError(400, `${path}[${index}] is no object`)
    yield [item, `${path}[${index}]`]
  }
}

import { isJson, type Json, text } from '../log-fields.ts'
import { isJournalExport } from '../reader/unread.ts'

/** A line inside the line of a container runtime, a collector or a terminal. */
export interface Wrapped {
  /** The name of the wrapper. */
  readonly by: string
  readonly inner: string
  /** What the wrapper knows, under general names: it fills what the inner line does not say. */
  readonly outer: Json
  /** The stream whose earlier parts belong before this line; undefined if the wrapper never splits lines. */
  readonly stream?: string
  /** Whether the line goes on in the next one of its stream. */
  readonly isPart?: boolean
}

const CRI = /^(\d{4}-\d\d-\d\dT\S{8,40}) (stdout|stderr) ([FP])(?:: ?|:? )(.*)$/s
// A level before a bar is a text format.
const COMPOSE =
  /^(?!(?:trace|debug|info|notice|warn|warning|error|fatal|critical) )(?:\[[^\]]{1,100}\] )?([a-zA-Z][\w.-]{0,62}?)(?:[-_]\d{1,4})? +\| ?(.*)$/is
const POD = /^\[(?:pod\/)?([^\s/\]]{1,253})\/([^\s\]]{1,253})\] (.*)$/s
const SYSLOG_3164 =
  /^(?:<(\d{1,3})>)?([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) (\S{1,255}) ([^\s:[]{1,64})(?:\[(\d{1,10})\])?: (.*)$/s
const SYSLOG_5424 =
  /^<(\d{1,3})>1 (\S{10,40}|-) (\S{1,255}) (\S{1,64}) (\S{1,128}) \S{1,32} (?:-|(?:\[(?:[^\]\\]|\\.)*\])+)(?: (?:\uFEFF)?(.*))?$/s
const TIMED = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S{0,16}) (.*)$/s
/** How much text may be before a JSON object. */
const PREFIX_MAX = 300

/** Unwraps a text line; undefined if it has no wrapper. */
export function unwrapText(line: string): Wrapped | undefined {
  const cri = CRI.exec(line)
  if (cri !== null) {
    const [, time, stream = '', tag, inner = ''] = cri
    return { by: 'cri', inner, outer: { time }, stream, isPart: tag === 'P' }
  }
  const syslog = SYSLOG_5424.exec(line)
  if (syslog !== null) {
    const [, priority, time, host, app, pid, inner = ''] = syslog
    return { by: 'syslog', inner, outer: syslogFields(priority, time, host, app, pid, inner) }
  }
  const old = SYSLOG_3164.exec(line)
  if (old !== null) {
    const [, priority, time, host, app, pid, inner = ''] = old
    return { by: 'syslog', inner, outer: syslogFields(priority, time, host, app, pid, inner) }
  }
  const compose = COMPOSE.exec(line)
  if (compose !== null) return { by: 'compose', inner: compose[2] ?? '', outer: { service: compose[1] } }
  const pod = POD.exec(line)
  if (pod !== null) return { by: 'kubectl', inner: pod[3] ?? '', outer: { service: pod[2] } }
  const timed = TIMED.exec(line)
  if (timed !== null && /[{=]/.test(timed[2] ?? ''))
    return { by: 'timed', inner: timed[2] ?? '', outer: { time: timed[1] } }
  return beforeJson(line)
}

/** Text, then a JSON object: the console format of several loggers. */
function beforeJson(line: string): Wrapped | undefined {
  if (!line.endsWith('}')) return undefined
  const start = line.indexOf('{')
  // A field of journald's export format is no line: its record has the time and the service.
  if (start < 1 || start > PREFIX_MAX || isJournalExport(line)) return undefined
  const before = line.slice(0, start).trim()
  const [, time, level] = /^(\S+(?: \d\d:\d\d:\d\d\S*)?)?[\t ]*(?:\[?([A-Za-z]{4,8})\]?)?/.exec(before) ?? []
  return { by: 'text+json', inner: line.slice(start), outer: { time, level, message: before } }
}

function syslogFields(
  priority: string | undefined,
  time: string | undefined,
  hostname: string | undefined,
  app: string | undefined,
  pid: string | undefined,
  message: string,
): Json {
  const level = priority === undefined ? {} : { level: String(Number(priority) & 7) }
  return { time, hostname, service: app === '-' ? undefined : app, pid, message, ...level }
}

/** Unwraps a JSON line; undefined if it has no wrapper. */
export function unwrapJson(json: Json): Wrapped | undefined {
  const log = json['log']
  const isDocker = typeof json['stream'] === 'string' && json['time'] !== undefined
  if (typeof log === 'string' && (isDocker || isInner(log) || isJson(json['kubernetes']))) {
    const stream = text(json['stream'])
    // Docker splits lines at 16 KiB: only the last part ends with a newline.
    const isPart = isDocker && !log.endsWith('\n') && Buffer.byteLength(log) >= 16_000
    const outer = { ...json, log: undefined, message: log.trimEnd() }
    return {
      by: 'docker',
      inner: log.endsWith('\n') ? log.slice(0, -1) : log,
      outer,
      ...(stream === undefined ? {} : { stream, isPart }),
    }
  }
  if (json['__REALTIME_TIMESTAMP'] !== undefined) {
    const message = journalText(json['MESSAGE'])
    const outer = {
      time: json['__REALTIME_TIMESTAMP'],
      level: json['PRIORITY'],
      service: json['SYSLOG_IDENTIFIER'] ?? json['_SYSTEMD_UNIT'],
      hostname: json['_HOSTNAME'],
      pid: json['_PID'],
      message,
    }
    return { by: 'journald', inner: message, outer }
  }
  for (const name of ['message', 'msg', 'line', 'MESSAGE', '@message', 'textPayload']) {
    const inner = json[name]
    if (typeof inner === 'string' && isInner(inner))
      return { by: 'json-in-json', inner, outer: { ...json, [name]: undefined } }
  }
  return undefined
}

/** journald writes a text that is not UTF-8 as an array of bytes. */
function journalText(message: unknown): string {
  if (typeof message === 'string') return message
  if (!Array.isArray(message) || message.length > 1_048_576) return ''
  return Buffer.from(message.filter((byte) => Number.isInteger(byte)) as number[]).toString()
}

function isInner(value: string): boolean {
  return /^\s*\{.*\}\s*$/s.test(value)
}

import type { Json } from '../log-fields.ts'
import type { SeenInFile } from './json-format.ts'
import { readKlog } from './klog.ts'
import { pathOf } from './request-text.ts'
import { readW3c } from './w3c.ts'

/** How to recognise and read the lines of one text format. */
export interface TextFormat {
  readonly name: string
  /** Returns the fields of a line under general names; undefined if the line is not in this format. */
  readonly read: (line: string, file: SeenInFile) => Json | undefined
}

const QUOTED = '"((?:[^"\\\\]|\\\\.)*)"'
const COMBINED = new RegExp(
  `^(?:[\\w.-]+:\\d+ )?([^\\s"]+) (\\S+) ([^\\["]{1,256}) \\[([^\\]"]{10,40})\\] ${QUOTED} (\\d{3}) (\\d+|-)(?: ${QUOTED} ${QUOTED})?(.*)$`,
)
const LOAD_BALANCER = new RegExp(
  `^(?:(https?|h2|grpcs?|wss?) )?(\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z) (\\S+) (\\S+) (\\S+) (-?[\\d.]+) (-?[\\d.]+) (-?[\\d.]+) (\\d{3}|-) (\\d{1,3}|-) \\d+ \\d+ ${QUOTED}(.*)$`,
)
const HAPROXY = new RegExp(
  `^(\\S+):\\d+ \\[([^\\]]{10,40})\\] (\\S+) (\\S+)/(\\S+) -?\\d+/-?\\d+/-?\\d+/-?\\d+/\\+?(\\d+) (\\d{3}) \\+?\\d+ .*${QUOTED}$`,
)
const UVICORN = new RegExp(`^(?:INFO:? +)?(\\S+:\\d+) - ${QUOTED} (\\d{3})(?: [A-Za-z ]+)?$`)
const MORGAN = /^([A-Z]{3,10}) (\/\S*) (\d{3}) (?:(\d+(?:\.\d+)?) ms - (?:\d+|-)|(?:\d+|-) - (\d+(?:\.\d+)?) ms)$/
const GIN = /^\[GIN\] (\d{4}\/\d\d\/\d\d - \d\d:\d\d:\d\d) \| +(\d{3}) \| +([\d.a-zµ]+) \| +(\S+) \| +([A-Z]+) +"(\S+)"/
const RAILS = /^(?:\[([\w-]+)\] )?Completed (\d{3}) [A-Za-z '-]+ in (\d+(?:\.\d+)?)ms/

/** The access logs and other texts that are recognised by their shape. */
export const TEXT_FORMATS: readonly TextFormat[] = [
  { name: 'combined', read: (line) => readCombined(line, true) },
  { name: 'common', read: (line) => readCombined(line, false) },
  {
    name: 'aws-load-balancer',
    read: (line) => {
      const found = LOAD_BALANCER.exec(line)
      if (found === null) return undefined
      const [, , time, balancer, client, , first, second, third, status, , request, rest = ''] = found
      const parts = [Number(first), Number(second), Number(third)]
      // A part of -1 means that no target answered.
      const latency = parts.some((part) => part < 0) ? {} : { latency_s: parts.reduce((sum, part) => sum + part, 0) }
      const root = /"(Root=[\w-]+)/.exec(rest)?.[1]
      const trace = root === undefined ? {} : { trace: root }
      return {
        time,
        balancer,
        remote_addr: client,
        ...latency,
        status: status === '-' ? '502' : status,
        ...target(request),
        ...trace,
      }
    },
  },
  {
    name: 'haproxy',
    read: (line) => {
      const found = HAPROXY.exec(line)
      if (found === null) return undefined
      const [, client, time, , backend, server, total, status, request] = found
      return { time, remote_addr: client, service: backend, server, latency_ms: total, status, ...target(request) }
    },
  },
  {
    name: 'uvicorn',
    read: (line) => {
      const found = UVICORN.exec(line)
      if (found === null) return undefined
      const [, client, request, status] = found
      return { remote_addr: client, status, ...target(request) }
    },
  },
  {
    name: 'morgan',
    read: (line) => {
      const found = MORGAN.exec(line)
      if (found === null) return undefined
      const [, method, path, status, first, second] = found
      return { method, path, status, latency_ms: first ?? second }
    },
  },
  {
    name: 'gin',
    read: (line) => {
      const found = GIN.exec(line)
      if (found === null) return undefined
      const [, time, status, latency, client, method, path] = found
      return { time, status, latency, remote_addr: client, method, path }
    },
  },
  {
    name: 'rails',
    read: (line) => {
      const found = RAILS.exec(line)
      if (found === null) return undefined
      const [, request, status, latency] = found
      return { request_id: request, status, latency_ms: latency, message: line }
    },
  },
  { name: 'klog', read: readKlog },
  { name: 'w3c', read: (line, file) => readW3c(line, file.w3c) },
]

function readCombined(line: string, isCombined: boolean): Json | undefined {
  const found = COMBINED.exec(line)
  if (found === null || (found[8] !== undefined) !== isCombined) return undefined
  const [, client, , user, time, request, status, bytes, referrer, agent, rest = ''] = found
  return {
    time_local: time,
    remote_addr: client,
    user,
    status,
    bytes,
    ...target(request),
    ...(referrer === undefined ? {} : { referrer, user_agent: agent }),
    ...extra(rest.trim()),
  }
}

/** What servers append to a line: nginx `rt=0.058`, a duration with its unit, or a number whose unit nothing tells. */
function extra(rest: string): Json {
  if (rest === '') return {}
  const seconds = /\b(?:rt|request_time|urt)=(\d+\.\d+)/.exec(rest)?.[1]
  if (seconds !== undefined) return { latency_s: seconds }
  const written = /^(\d+(?:\.\d+)?) ?(ms|us|µs|s)$/.exec(rest)
  if (written !== null) return { latency: `${written[1]}${written[2]}` }
  return /^\d+(?:\.\d+)?$/.test(rest) ? { duration: rest } : {}
}

/** Method and path of a request line. A broken one, such as a TLS handshake on a plain port, has neither. */
function target(request: string | undefined): Json {
  const [, method, uri] = /^([A-Z]{3,10}) (\S+)/.exec(request ?? '') ?? []
  if (method === undefined) return {}
  return { method, path: pathOf(uri) }
}

const PLAIN_TIME =
  /^\[?(\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|[+-]\d\d:?\d\d))?|(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?(?: \d{4})?)\]?[ \t:|-]/
const PLAIN_LEVEL = /\b(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|SEVERE|FATAL|CRITICAL|CRIT|EMERG|PANIC)\b/i

/** Reads a text line that begins with its time. It is no request. */
export function readPlainText(line: string): Json | undefined {
  const found = PLAIN_TIME.exec(line)
  if (found === null) return undefined
  const message = line.slice(found[0].length).trim()
  const level = PLAIN_LEVEL.exec(message.slice(0, 100))?.[1]
  return { time: found[1], message, ...(level === undefined ? {} : { level }) }
}

import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Intake } from '../../journal/intake.ts'
import { loopbackHosts } from '../hosts.ts'
import { type OtlpLines, otlpLines } from './otlp-lines.ts'
import { decompressed, IntakeError, isGzip, readBody } from './read-body.ts'

/** Takes log lines, one per line of the body. */
export const LINES_PATH = '/lines'
/** Takes OpenTelemetry's logs as JSON. */
export const OTLP_PATH = '/v1/logs'

/** The most requests at the same time. The body of each is in memory. */
const BODIES_MAX = 16
const CONNECTIONS_MAX = 256
/** A sender that takes longer is cut off, so that it does not keep others from sending. */
const REQUEST_MS_MAX = 10_000
/** Senders of batches come again every few seconds. A connection must not close just then. */
const IDLE_MS_MAX = 65_000
const RETRY_AFTER_S = '1'

/** Where lines are taken. */
export interface IntakeAddress {
  readonly host: string
  readonly port: number
  /** Senders must know it. Undefined only on loopback. */
  readonly token: string | undefined
}

/** Whether only programs on this machine can reach a host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)
}

/**
 * Creates the server that takes log lines. It does not listen yet.
 *
 * A success means that the lines are stored and counted. Lines that are not recognised are counted as such, like those of
 * a file. After any other answer, none was stored, except if none was recognised.
 */
export function createIntakeServer(intake: Intake, { host, port, token }: IntakeAddress): Server {
  const hosts = isLoopback(host) ? loopbackHosts(port) : undefined
  let bodies = 0

  const takeLines = async (request: IncomingMessage): Promise<object> => {
    const isCompressed = isGzip(request)
    const sent = await readBody(request)
    const { read, recognised, hint } = await intake.add(async () => (isCompressed ? await decompressed(sent) : sent))
    if (read === 0) throw new IntakeError(400, 'the body has no lines')
    if (recognised === 0) throw new IntakeError(400, `no line was recognised. The last one is ${hint}`)
    return { read, recognised }
  }

  const takeOtlp = async (request: IncomingMessage): Promise<object> => {
    const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
    if (type !== 'application/json') {
      const hint = 'set OTEL_EXPORTER_OTLP_PROTOCOL=http/json'
      throw new IntakeError(415, `only application/json is supported, not ${type ?? 'a body without a type'}: ${hint}`)
    }
    const isCompressed = isGzip(request)
    const sent = await readBody(request)
    let made: OtlpLines | undefined
    await intake.add(async () => {
      made = otlpLines(isCompressed ? await decompressed(sent) : sent)
      return Buffer.from(made.text)
    })
    if (made === undefined || made.rejected === 0) return {}
    // In OTLP's JSON a number of 64 bits is a text.
    return { partialSuccess: { rejectedLogRecords: String(made.rejected), errorMessage: made.reason } }
  }

  const handle = async (request: IncomingMessage): Promise<object> => {
    const { headers, method, url = '/' } = request
    if (hosts !== undefined && !hosts.has(headers.host?.toLowerCase() ?? '')) throw new IntakeError(403, 'unknown host')
    // Every browser adds one of these to a POST. A page of another site must not write into the dashboard.
    if (headers.origin !== undefined || headers['sec-fetch-site'] !== undefined)
      throw new IntakeError(403, 'browsers cannot send lines')
    if (token !== undefined && !isToken(headers.authorization, token))
      throw new IntakeError(401, 'send the token as Authorization: Bearer TOKEN')
    const [path] = url.split('?', 1)
    if (path !== LINES_PATH && path !== OTLP_PATH)
      throw new IntakeError(404, `send log lines to ${LINES_PATH}, or OTLP/JSON logs to ${OTLP_PATH}`)
    if (method !== 'POST') throw new IntakeError(405, 'only POST is supported')
    if (bodies >= BODIES_MAX) throw new IntakeError(503, 'too many senders at the same time')
    bodies += 1
    try {
      return path === LINES_PATH ? await takeLines(request) : await takeOtlp(request)
    } finally {
      bodies -= 1
    }
  }

  // What is left of a refused body is read and dropped until then: a sender whose connection breaks would not see why.
  const limits = {
    requestTimeout: REQUEST_MS_MAX,
    headersTimeout: REQUEST_MS_MAX,
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: IDLE_MS_MAX,
  }
  const server = createServer(limits, (request, response) => {
    handle(request).then(
      (answer) => send(response, 200, answer),
      (error: unknown) => {
        const { status, message } = refusalOf(error)
        send(response, status, { message })
      },
    )
  })
  server.maxConnections = CONNECTIONS_MAX
  return server
}

function isToken(header: string | undefined, token: string): boolean {
  const [, sent] = /^Bearer +(\S+)$/i.exec(header ?? '') ?? []
  // Of equal length, as the comparison needs, and without telling the length of the token.
  return sent !== undefined && timingSafeEqual(sha256(sent), sha256(token))
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

const HEADERS: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  401: { 'www-authenticate': 'Bearer' },
  405: { allow: 'POST' },
  415: { 'accept-encoding': 'gzip' },
  503: { 'retry-after': RETRY_AFTER_S },
}

function refusalOf(error: unknown): IntakeError {
  return error instanceof IntakeError ? error : new IntakeError(503, `not stored: ${(error as Error).message}`)
}

function send(response: ServerResponse, status: number, answer: object): void {
  if (response.destroyed) return
  const text = JSON.stringify(answer)
  response.writeHead(status, {
    ...HEADERS[status],
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.end(text)
}

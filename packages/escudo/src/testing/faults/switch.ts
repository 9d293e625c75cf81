import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../../core/clock.ts'
import type { Listener } from '../../core/events/events.ts'
import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { knownKeys } from '../../core/options/options.ts'
import type { FaultEvent } from './engine.ts'
import { faults } from './faults.ts'
import { type FaultMiddleware, pathOf } from './middleware.ts'
import { readSwitchedFault, type SwitchedFault, showSwitchedFault } from './switch-json.ts'

/** Options of {@link faultSwitch}. */
export interface FaultSwitchOptions {
  /** Where the switch is. Default `/__faults`. */
  readonly path?: string | undefined
  /** Paths that are never hit, beside the switch itself. Default `['/healthz']`. */
  readonly spare?: readonly string[] | undefined
  /** Makes the same requests meet the same faults. */
  readonly seed?: number | undefined
  /** What delays run on. Default: the system's clock. */
  readonly clock?: Clock | undefined
}

/** Faults of a running service, set from outside. Made by {@link faultSwitch}. */
export interface FaultSwitch {
  /** Whether a fault is set, be its rate 0: then the service's own random failures are off. */
  readonly active: boolean
  /** What stands before the service's handlers. */
  readonly middleware: FaultMiddleware
  /** Hears of each fault that is injected. Returns the function that unsubscribes. */
  on(listener: Listener<FaultEvent>): () => void
  /** Takes the fault away and ends all that is under way, as when the service stops. */
  halt(): void
}

const BODY_BYTES_MAX = 16_384

/**
 * A switch by which a demo or a test breaks a running service: `PUT /__faults` with a fault as JSON replaces what was
 * set, `GET` shows it, `DELETE` takes it away.
 *
 * The fault has any of the keys `latency_ms`, `jitter_ms`, `status`, `error` (`"reset"`), `body` (`"truncated"`,
 * `"corrupt"`, `"stall"`) and `rate`, the share of requests that it hits (default 1); `{"rate":0}` is no fault at all.
 * What cannot work is answered 400. Only the machine itself may use the switch: anybody else is answered 403, and so is
 * whoever comes through a proxy or under a host name that is not the machine's own.
 *
 * @throws ConfigurationError for an option that cannot work
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { faultSwitch } from 'escudo/testing'
 *
 * const broken = faultSwitch({ seed: 7 })
 * const server = createServer((request, response) => {
 *   broken.middleware(request, response, () => {
 *     const unlucky = !broken.active && Math.random() < 0.7
 *     response.writeHead(unlucky ? 503 : 200).end()
 *   })
 * })
 * console.log(server.listening, broken.active) // false false
 * ```
 */
export function faultSwitch(options: FaultSwitchOptions = {}): FaultSwitch {
  knownKeys(options, 'faultSwitch', ['path', 'spare', 'seed', 'clock'])
  const path = checkPath(options.path ?? '/__faults', 'faultSwitch.path')
  const spare = new Set((options.spare ?? ['/healthz']).map((each, i) => checkPath(each, `faultSwitch.spare[${i}]`)))
  const injector = faults([], { seed: options.seed, clock: options.clock, maxInjections: Number.MAX_SAFE_INTEGER })
  const inject = injector.middleware()
  let current: SwitchedFault | undefined

  const set = (fault: SwitchedFault | undefined): void => {
    current = fault
    if (fault === undefined) injector.halt()
    else injector.replace(fault.plan)
  }

  return {
    get active() {
      return current !== undefined
    },
    middleware(request, response, next) {
      const at = pathOf(request)
      if (at === path || at === `${path}/`) void control(request, response, () => current, set)
      else if (spare.has(at)) next()
      else inject(request, response, next)
    },
    on: (listener) => injector.on(listener),
    halt: () => set(undefined),
  }
}

async function control(
  request: IncomingMessage,
  response: ServerResponse,
  get: () => SwitchedFault | undefined,
  set: (fault: SwitchedFault | undefined) => void,
): Promise<void> {
  if (!isLocal(request)) {
    send(response, 403, { error: 'the fault switch takes requests of its own machine only' })
    return
  }
  switch (request.method) {
    case 'PUT': {
      const text = await readText(request)
      if (text === undefined) {
        // The rest is not read: the connection cannot be used again.
        response.setHeader('connection', 'close')
        send(response, 400, { error: `expected a body of at most ${BODY_BYTES_MAX} bytes` })
        return
      }
      const fault = readSwitchedFault(text)
      if ('problem' in fault) {
        send(response, 400, { error: fault.problem })
        return
      }
      set(fault)
      send(response, 200, showSwitchedFault(fault))
      return
    }
    case 'DELETE':
      set(undefined)
      response.statusCode = 204
      response.end()
      return
    case 'GET':
    case 'HEAD':
      send(response, 200, showSwitchedFault(get()))
      return
    default:
      response.setHeader('allow', 'GET, HEAD, PUT, DELETE')
      send(response, 405, { error: 'use GET, PUT or DELETE' })
  }
}

/** Whether a request was made on this machine, by somebody who meant it and not by a page of some other site. */
function isLocal({ socket, headers }: IncomingMessage): boolean {
  if (!/^(?:127\.|::1$|::ffff:127\.)/i.test(socket.remoteAddress ?? '')) return false
  // Whoever is behind a proxy on this machine may be anywhere.
  if (headers['forwarded'] !== undefined || headers['x-forwarded-for'] !== undefined) return false
  // A foreign name that leads here is how a web page reaches a local server (DNS rebinding).
  const { host } = headers
  return host === undefined || /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i.test(host)
}

/** The body as text; undefined when it is too long, or breaks off. */
async function readText(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    // Not `for await`: leaving such a loop destroys the connection, and with it the answer.
    await new Promise<void>((resolve, reject) => {
      request.on('data', (chunk: Uint8Array) => {
        length += chunk.byteLength
        if (length > BODY_BYTES_MAX) reject(new Error('too long'))
        else chunks.push(chunk)
      })
      // Somebody before us may have read it.
      if (request.readableEnded) resolve()
      request.on('end', resolve)
      request.on('error', reject)
      request.on('close', () => reject(new Error('broken off')))
    })
    return Buffer.concat(chunks).toString('utf8')
  } catch {
    return undefined
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.statusCode = status
  response.setHeader('content-type', 'application/json; charset=utf-8')
  response.end(`${JSON.stringify(body)}\n`)
}

function checkPath(path: string, at: string): string {
  if (typeof path === 'string' && /^\/[^?#]*$/.test(path)) return path
  throw new ConfigurationError(at, `expected a path that begins with '/', got ${show(path)}`)
}

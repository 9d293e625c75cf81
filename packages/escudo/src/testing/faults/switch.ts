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
  /** The path of the switch. Default `/__faults`. */
  readonly path?: string | undefined
  /** Paths that never meet faults, in addition to the switch itself. Default `['/healthz']`. */
  readonly spare?: readonly string[] | undefined
  /** Repeats the same faults for the same requests. Default: random. */
  readonly seed?: number | undefined
  /** The clock for delays. Default: the system clock. */
  readonly clock?: Clock | undefined
}

/** Faults of a running service, set by HTTP requests. Created by {@link faultSwitch}. */
export interface FaultSwitch {
  /** Whether a fault is set, even with rate 0. A demo service can then switch off its own random failures. */
  readonly active: boolean
  /** The middleware to run before the service's handlers. */
  readonly middleware: FaultMiddleware
  /** Calls the listener for each injected fault. Returns a function that unsubscribes it. */
  on(listener: Listener<FaultEvent>): () => void
  /** Removes the fault and ends running faults. Call it when the service stops. */
  halt(): void
}

const BODY_BYTES_MAX = 16_384

/**
 * Creates a switch that injects faults into a running service by HTTP.
 *
 * `PUT /__faults` sets a fault given as JSON, `GET` shows it, `DELETE` removes it. A fault has any of the keys
 * `latency_ms`, `jitter_ms`, `status`, `error` (`"reset"`), `body` (`"truncated"`, `"corrupt"`, `"stall"`) and `rate`,
 * the share of requests that it hits (default 1). `{"rate":0}` injects nothing. An invalid fault gets a 400.
 *
 * Only requests from the same machine are accepted. A request from another address, through a proxy or for a host name
 * other than localhost gets a 403.
 *
 * @throws ConfigurationError if an option is not valid
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
  const spare = options.spare ?? ['/healthz']
  if (!Array.isArray(spare)) {
    throw new ConfigurationError('faultSwitch.spare', `expected an array of paths, got ${show(spare)}`)
  }
  const spared = new Set(spare.map((item, i) => checkPath(item, `faultSwitch.spare[${i}]`)))
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
      if (at === path || at === `${path}/`) void handleControl(request, response, () => current, set)
      else if (spared.has(at)) next()
      else inject(request, response, next)
    },
    on: (listener) => injector.on(listener),
    halt: () => set(undefined),
  }
}

async function handleControl(
  request: IncomingMessage,
  response: ServerResponse,
  get: () => SwitchedFault | undefined,
  set: (fault: SwitchedFault | undefined) => void,
): Promise<void> {
  if (!isLocal(request)) {
    send(response, 403, { error: 'the fault switch accepts requests from its own machine only' })
    return
  }
  switch (request.method) {
    case 'PUT': {
      const text = await readText(request)
      if (text === undefined) {
        // The rest of the body is not read, so the connection cannot be reused.
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

/** Whether a request comes from this machine and not from a page of another site. */
function isLocal({ socket, headers }: IncomingMessage): boolean {
  if (!/^(?:127\.|::1$|::ffff:127\.)/i.test(socket.remoteAddress ?? '')) return false
  // The client of a proxy on this machine may be on another machine.
  if (headers['forwarded'] !== undefined || headers['x-forwarded-for'] !== undefined) return false
  // DNS rebinding: a web page reaches a local server through a host name that resolves to this machine.
  const { host } = headers
  return host === undefined || /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i.test(host)
}

/** The body as text. Undefined if it is too long or incomplete. */
async function readText(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    // Not `for await`: an early exit from that loop destroys the connection before the response is sent.
    await new Promise<void>((resolve, reject) => {
      request.on('data', (chunk: Uint8Array) => {
        length += chunk.byteLength
        if (length > BODY_BYTES_MAX) reject(new Error('too long'))
        else chunks.push(chunk)
      })
      // An earlier middleware may have read the body.
      if (request.readableEnded) resolve()
      request.on('end', resolve)
      request.on('error', reject)
      request.on('close', () => reject(new Error('incomplete')))
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

import { builtinModule } from '../core/builtin-module.ts'
import { watchCalls } from '../core/engine/watched-call.ts'
import { EVENT_NAMES, watchAll } from '../core/events/events.ts'
import { watchHttp } from '../core/events/http-events.ts'

/** A channel of `node:diagnostics_channel`. */
interface Channel {
  readonly hasSubscribers: boolean
  publish(message: unknown): void
}

/**
 * Publishes what escudo does on the channels of `node:diagnostics_channel`, for tools that subscribe there.
 *
 * - `escudo:<event>`, such as `escudo:retry`: each event of each shield, as `subscribe` passes it, `executed` included.
 * - `escudo:call`: `{ shield, outcome, durationMs }` when a call has left its shield.
 * - `escudo:wait`: `{ shield, policy, policyType, waitedMs }` when a call has waited for a permit, and got it.
 * - `escudo:http.server.start` and `escudo:http.client.start`: a request, with `method` and for clients `url`.
 * - `escudo:http.server.end` and `escudo:http.client.end`: how it ended, with the same `request` object.
 *
 * Nothing is published on a channel without subscribers. The events are built nevertheless while this is on: about 0.1 µs
 * for each policy of a call. It is off by default, because a library cannot see that a subscriber comes. Without
 * `node:diagnostics_channel`, as in a browser, this does nothing. An error in a subscriber is an uncaught exception, as
 * on every channel of Node. docs/telemetry.md lists all fields.
 *
 * @returns a function that stops publishing. If this was called several times, the last of these functions stops it
 * @example
 * ```ts
 * import { subscribe } from 'node:diagnostics_channel'
 * import { retry, shield } from 'escudo'
 * import { publishDiagnostics } from 'escudo/telemetry'
 *
 * const stop = publishDiagnostics()
 * subscribe('escudo:call', (message) => console.log(message))
 * await shield('inventory', retry()).run(() => 42) // { shield: 'inventory', outcome: 'success', durationMs: 0.1… }
 * stop()
 * ```
 */
export function publishDiagnostics(): () => void {
  publishers += 1
  if (publishers === 1) stopPublishing = start()
  let stopped = false
  return () => {
    if (stopped) return
    stopped = true
    publishers -= 1
    if (publishers === 0) stopPublishing()
  }
}

// Published once for each event, however many parts of a program ask for it.
let publishers = 0
let stopPublishing = (): void => {}

function start(): () => void {
  const channel = channelFactory()
  if (channel === undefined) return () => {}
  const events = new Map(EVENT_NAMES.map((name) => [name, channel(`escudo:${name}`)]))
  const call = channel('escudo:call')
  const wait = channel('escudo:wait')
  const stops = [
    watchAll((event) => publish(events.get(event.type), event), EVENT_NAMES),
    watchCalls({
      ended: (shield, outcome, durationMs) => {
        if (call.hasSubscribers) call.publish({ shield, outcome, durationMs })
      },
      waited: (shield, policy, policyType, waitedMs) => {
        if (wait.hasSubscribers) wait.publish({ shield, policy, policyType, waitedMs })
      },
    }),
    watchHttp({
      served: publishRequest(channel('escudo:http.server.start'), channel('escudo:http.server.end')),
      sent: publishRequest(channel('escudo:http.client.start'), channel('escudo:http.client.end')),
    }),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}

function publishRequest(started: Channel, ended: Channel): (request: object) => (end: object) => void {
  return (request) => {
    publish(started, request)
    return (end) => {
      if (ended.hasSubscribers) ended.publish({ ...end, request })
    }
  }
}

function publish(channel: Channel | undefined, message: unknown): void {
  if (channel?.hasSubscribers) channel.publish(message)
}

function channelFactory(): ((name: string) => Channel) | undefined {
  return builtinModule<{ channel(name: string): Channel }>('node:diagnostics_channel')?.channel
}

// One instance of a service: it calls a dependency all the time, and reports to the test each 50 ms.
import { circuitBreaker, consecutive, findShield, RateLimitedError, rateLimiter, shield } from 'escudo'
import { fleet } from 'escudo/redis'
import { connected } from '../helpers/clients.ts'
import type { InstanceOptions } from '../helpers/instances.ts'
import { Holding } from './holding.ts'

const options: InstanceOptions = JSON.parse(process.argv[2] ?? '')
const { ports, library = 'ioredis', limit, callsPerSecond, permits, keeps = false } = options
const { client } = await connected(library, ports)
const shared = fleet({ client, instance: `p${process.pid}` })
const limiter = shield('mail', rateLimiter({ limit, per: '1s', burst: limit, shared }))
const breaker = circuitBreaker({ trip: consecutive(3), openFor: '500ms', shared })
const inventory = shield('inventory', breaker)
const holding = permits === undefined ? undefined : new Holding(shared, permits, keeps)

let isDependencyUp = true
/** The instants of admitted calls since the last report, on the wall clock, which all processes share. */
let admitted: number[] = []
let refused = 0
let unexpected: string[] = []
/** How many calls neither ran nor were refused in the turn of the event loop in which they were made. */
let waited = 0
let probes: number[] = []
/** Questions to Redis without an answer in time. */
let unanswered = 0
findShield('escudo:redis')?.on('timeout', () => {
  unanswered += 1
})

breaker.on('stateChange', ({ from, to, reason }) => process.send?.({ change: { from, to, reason, at: Date.now() } }))
shared.on('lost', () => process.send?.({ link: 'lost', at: Date.now() }))
shared.on('recovered', () => process.send?.({ link: 'recovered', at: Date.now() }))

/** Whether the circuit is open because of the fleet. Before a quorum, each instance probes for itself. */
function isFollowing(): boolean {
  return String(inventory.status().policies[0]?.['reason']).startsWith('fleet')
}

async function call(): Promise<void> {
  let isDecided = false
  const reached = (): void => {
    isDecided = true
  }
  setImmediate(() => {
    if (!isDecided) waited += 1
  })
  await limiter
    .run(() => {
      reached()
      admitted.push(performance.timeOrigin + performance.now())
    })
    .catch((error: unknown) => {
      reached()
      if (error instanceof RateLimitedError) refused += 1
      else unexpected.push(String(error))
    })
  await inventory
    .run(() => {
      if (breaker.state === 'half-open' && isFollowing()) probes.push(Date.now())
      if (!isDependencyUp) throw new Error('down')
    })
    .catch(() => {})
}

const TICK_MS = 5
let due = 0
setInterval(() => {
  due = Math.min(due + (callsPerSecond * TICK_MS) / 1_000, callsPerSecond / 10)
  for (; due >= 1; due -= 1) void call()
}, TICK_MS)

setInterval(() => {
  process.send?.({ admitted, refused, unexpected, waited, probes, unanswered, state: breaker.state })
  admitted = []
  unexpected = []
  probes = []
  refused = 0
  waited = 0
  unanswered = 0
}, 50)

process.on('message', (message: string | { readonly told: number }) => {
  if (message === 'up' || message === 'down') isDependencyUp = message === 'up'
  else if (typeof message === 'object') holding?.heard(message.told)
  else if (message === 'keep' || message === 'go') {
    if (holding !== undefined) holding.keeps = message === 'keep'
  } else if (message === 'end') void shared.close().then(() => process.exit(0))
})
process.on('disconnect', () => process.exit(0))

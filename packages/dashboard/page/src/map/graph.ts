import type { Call } from '../../../src/report/calls.ts'
import type { Health, ServiceHealth } from '../../../src/report/health.ts'
import type { Arrow } from './layout/layout.ts'

/** A node of the map: a service, or what a shield protects if it has no known log. */
export interface MapNode {
  /** Differs from the name: a shield may be named like a service. */
  readonly id: string
  readonly name: string
  /** Undefined without a log. */
  readonly service: ServiceHealth | undefined
}

/** A call, and the nodes that it connects. */
export interface MapEdge extends Arrow {
  readonly call: Call
}

/** What is drawn: the services with calls and what they call, and the services without. */
export interface Graph {
  readonly nodes: readonly MapNode[]
  readonly edges: readonly MapEdge[]
  readonly alone: readonly ServiceHealth[]
}

/** Connects the services of a verdict by their calls. */
export function graphOf(health: Health, calls: readonly Call[]): Graph {
  const services = new Map(health.services.map((service) => [service.name, service]))
  const nodes = new Map<string, MapNode>()
  const idOf = (name: string, hasLog: boolean): string => {
    const id = `${hasLog ? 1 : 2}${name}`
    if (!nodes.has(id)) nodes.set(id, { id, name, service: hasLog ? services.get(name) : undefined })
    return id
  }
  const edges = calls.map((call) => ({ from: idOf(call.from, true), to: idOf(call.to, call.has_log), call }))
  return {
    nodes: [...nodes.values()],
    edges,
    alone: health.services.filter(({ name }) => !nodes.has(`1${name}`)),
  }
}

const SIGNS: Readonly<Partial<Record<Call['state'], string>>> = { failing: '✕', degraded: '▲' }
const RANK: Readonly<Record<Call['state'], number>> = { failing: 3, degraded: 2, healthy: 1, unknown: 0, idle: 0 }

/** The sign of a call that fails; empty for another one. Signs differ in shape, not only in colour. */
export function signOfCall({ state }: Call): string {
  return SIGNS[state] ?? ''
}

/** How much trouble a call has: those with more are drawn above the others. */
export function troubleOf(call: Call): number {
  return RANK[call.state] + (openBreaker(call) === undefined ? 0 : 4)
}

/** The breaker of a call that is not closed. */
export function openBreaker({ breakers }: Call): Call['breakers'][number] | undefined {
  return breakers.find(({ state }) => state !== 'closed')
}

/** The share of failed calls; undefined without any. */
export function failedShare({ calls, failures }: Call): number | undefined {
  return calls === null || calls === 0 || failures === null || failures === 0 ? undefined : failures / calls
}

/** The width of a line: wider for more calls per second. */
export function widthOf({ calls, seconds, state }: Call): number {
  const perSecond = calls === null || seconds === null ? 0 : calls / seconds
  return Math.round((1.5 + Math.min(2.5, Math.log10(1 + perSecond)) + (state === 'failing' ? 1 : 0)) * 10) / 10
}

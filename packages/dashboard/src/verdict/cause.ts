import { type EdgeFacts, REASONS, type Reason, type ServiceVerdict, type State } from './situation.ts'

const RANK: Readonly<Record<State, number>> = { failing: 3, silent: 2, degraded: 1, healthy: 0, waiting: 0 }
/** Reasons that a service can have only by itself, and not because a service that it calls has trouble. */
const OWN: ReadonlySet<Reason> = new Set(['5xx', 'latency', 'silence', 'critical', 'restarts'])

/** The most probable cause of the worst state. */
export interface Cause {
  readonly service: ServiceVerdict
  readonly reason: Reason
  /** The other services that are not healthy and call the cause, directly or through others. */
  readonly affected: readonly string[]
}

/**
 * Finds the service that most probably causes the trouble: the one furthest downstream, not the ones that relay its failures.
 *
 * It starts at the services in the worst state, and follows calls to services that have trouble themselves.
 */
export function causeOf(
  services: readonly ServiceVerdict[],
  edges: readonly EdgeFacts[],
  state: State,
): Cause | undefined {
  if (RANK[state] === 0) return undefined
  const byName = new Map(services.filter(({ isCurrent }) => isCurrent).map((service) => [service.name, service]))
  const next = troubledCallees(byName, edges)
  const start = [...byName.values()].filter((service) => service.state === state)
  const reached = reach(start, next)
  const ends = reached.filter(
    (service) => !(next.get(service) ?? []).some((callee) => !isCircular(service, callee, next)),
  )
  const candidates = (ends.length > 0 ? ends : reached).map((service) => ({
    service,
    affected: reached.filter((other) => other !== service && reach([other], next).includes(service)),
  }))
  candidates.sort(
    (a, b) =>
      b.affected.length - a.affected.length ||
      RANK[b.service.state] - RANK[a.service.state] ||
      // Two that are called and call no culprit are independent: the one with clearly more failures is the larger part.
      (a.affected.length > 0 ? magnitude(b.service.failures) - magnitude(a.service.failures) : 0) ||
      // What relays failures fails a moment later than their cause, and less often if it retries.
      (a.service.since ?? 0) - (b.service.since ?? 0) ||
      b.service.failures - a.service.failures ||
      a.service.name.localeCompare(b.service.name),
  )
  const [first] = candidates
  const reason = first?.service.reasons.toSorted((a, b) => REASONS.indexOf(a) - REASONS.indexOf(b))[0]
  if (first === undefined || reason === undefined) return undefined
  return { service: first.service, reason, affected: first.affected.map(({ name }) => name).sort() }
}

/** Doubles count, so that two services with almost as many failures seldom take turns in the headline. */
function magnitude(failures: number): number {
  return Math.floor(Math.log2(failures + 1))
}

type Next = ReadonlyMap<ServiceVerdict, readonly ServiceVerdict[]>

function troubledCallees(byName: ReadonlyMap<string, ServiceVerdict>, edges: readonly EdgeFacts[]): Next {
  const next = new Map<ServiceVerdict, ServiceVerdict[]>()
  for (const edge of edges) {
    const [caller, callee] = [byName.get(edge.caller), byName.get(edge.callee)]
    if (caller === undefined || callee === undefined || caller === callee || !explains(callee, caller, edge)) continue
    const known = next.get(caller)
    if (known === undefined) next.set(caller, [callee])
    else if (!known.includes(callee)) known.push(callee)
  }
  return next
}

/** Whether the trouble of a called service can be why its caller has trouble. */
function explains(callee: ServiceVerdict, caller: ServiceVerdict, { failures }: EdgeFacts): boolean {
  if (RANK[caller.state] === 0 || !callee.reasons.some((reason) => OWN.has(reason))) return false
  if (callee.state === 'failing' || callee.state === 'silent') return true
  // A few failures of a called service do not explain many failures of its caller.
  const isByFailures = callee.reasons[0] === '5xx' && failures !== undefined
  return callee.state === 'degraded' && (!isByFailures || failures * 2 >= caller.failures)
}

function reach(start: readonly ServiceVerdict[], next: Next): readonly ServiceVerdict[] {
  const seen = new Set(start)
  for (const service of seen) for (const callee of next.get(service) ?? []) seen.add(callee)
  return [...seen]
}

/** Whether two services call each other, directly or through others. Neither is then further downstream. */
function isCircular(service: ServiceVerdict, callee: ServiceVerdict, next: Next): boolean {
  return reach([callee], next).includes(service)
}

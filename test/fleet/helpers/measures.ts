import type { CircuitChange } from './instances.ts'

/** The most calls beyond `perMs · t` in any time `t`. */
export function excess(instants: readonly number[], perMs: number): number {
  const sorted = [...instants].sort((a, b) => a - b)
  const first = sorted[0] ?? 0
  let [low, most] = [0, 0]
  sorted.forEach((at, index) => {
    low = Math.min(low, index - (at - first) * perMs)
    most = Math.max(most, index + 1 - (at - first) * perMs - low)
  })
  return most
}

/**
 * How long after the quorum the last circuit opened, in milliseconds.
 *
 * @param all the changes of each instance, all closed before
 * @param quorum the number of votes that opens the fleet's circuit
 */
export function openedAfterMs(all: readonly (readonly CircuitChange[])[], quorum: number): number {
  const first = all.map((changes) => changes.find(({ to }) => to === 'open'))
  const opened = first.map((change) => change?.at ?? Number.POSITIVE_INFINITY)
  const votes = first.filter((change) => change !== undefined && !change.reason.startsWith('fleet'))
  const sorted = votes.map((change) => change?.at ?? 0).sort((a, b) => a - b)
  return Math.max(...opened) - (sorted[quorum - 1] ?? Number.NaN)
}

/** How long after the successful probe the last circuit closed, in milliseconds. All are closed now. */
export function closedAfterMs(all: readonly (readonly CircuitChange[])[]): number {
  const successes = all
    .flat()
    .filter(({ from, to, reason }) => from === 'half-open' && to === 'closed' && !reason.startsWith('fleet'))
  const closed = all.map((changes) => changes.findLast(({ to }) => to === 'closed')?.at ?? Number.POSITIVE_INFINITY)
  return Math.max(...closed) - Math.max(...successes.map(({ at }) => at))
}

/** The shortest time between two instants. */
export function shortestGap(instants: readonly number[]): number {
  const sorted = [...instants].sort((a, b) => a - b)
  return Math.min(...sorted.slice(1).map((at, index) => at - (sorted[index] ?? 0)))
}

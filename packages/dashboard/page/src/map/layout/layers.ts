/** An arrow from one node to another, by their names. */
export interface Arrow {
  readonly from: string
  readonly to: string
}

/** A graph without circles: some arrows are turned round. */
interface Directed {
  readonly next: ReadonlyMap<string, readonly string[]>
  readonly before: ReadonlyMap<string, readonly string[]>
}

/** Whether an arrow goes against the layers, because it closes a circle. */
export function isTurned({ from, to }: Arrow, layers: ReadonlyMap<string, number>): boolean {
  return (layers.get(from) ?? 0) > (layers.get(to) ?? 0)
}

/**
 * Gives each node a layer, from 0: a node is behind all nodes that have an arrow to it, unless both are in a circle.
 *
 * A layer has at most `most` nodes; further ones move to later layers. The order of the arguments does not matter.
 */
export function layersOf(
  names: readonly string[],
  arrows: readonly Arrow[],
  most: number = Number.POSITIVE_INFINITY,
): ReadonlyMap<string, number> {
  const { next, before } = directed(names.toSorted(compare), arrows)
  const layers = new Map<string, number>()
  const counts: number[] = []
  // What has further arrows takes its layer first: others can move without making anything longer.
  const ranked = inOrder(next, before).sort(
    (a, b) => a.depth - b.depth || Number(isEnd(a.name)) - Number(isEnd(b.name)) || compare(a.name, b.name),
  )
  function isEnd(name: string): boolean {
    return (next.get(name) ?? []).length === 0
  }
  for (const { name } of ranked) {
    let layer = Math.max(0, ...(before.get(name) ?? []).map((other) => (layers.get(other) ?? 0) + 1))
    while ((counts[layer] ?? 0) >= most) layer += 1
    layers.set(name, layer)
    counts[layer] = (counts[layer] ?? 0) + 1
  }
  return layers
}

/** Turns the arrows round that close a circle: those that lead back to a node from which they were reached. */
function directed(names: readonly string[], arrows: readonly Arrow[]): Directed {
  const outgoing = new Map<string, Set<string>>(names.map((name) => [name, new Set()]))
  const incoming = new Map<string, number>(names.map((name) => [name, 0]))
  for (const { from, to } of arrows.toSorted((a, b) => compare(a.from, b.from) || compare(a.to, b.to))) {
    if (from === to || outgoing.get(from)?.has(to) !== false || !incoming.has(to)) continue
    outgoing.get(from)?.add(to)
    incoming.set(to, (incoming.get(to) ?? 0) + 1)
  }
  const next = new Map<string, string[]>(names.map((name) => [name, []]))
  const before = new Map<string, string[]>(names.map((name) => [name, []]))
  const connect = (from: string, to: string): void => {
    if (next.get(from)?.includes(to) === true) return
    next.get(from)?.push(to)
    before.get(to)?.push(from)
  }
  const states = new Map<string, 'open' | 'done'>()
  // What nothing leads to begins; in a circle, the node with the most arrows away from it.
  const starts = names.toSorted(
    (a, b) =>
      Number((incoming.get(a) ?? 0) > 0) - Number((incoming.get(b) ?? 0) > 0) ||
      (outgoing.get(b)?.size ?? 0) - (outgoing.get(a)?.size ?? 0) ||
      compare(a, b),
  )
  for (const start of starts) {
    if (states.has(start)) continue
    states.set(start, 'open')
    const path = [{ name: start, rest: [...(outgoing.get(start) ?? [])] }]
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const to = top.rest.shift()
      if (to === undefined) {
        states.set(top.name, 'done')
        path.pop()
        continue
      }
      if (states.get(to) === 'open') {
        connect(to, top.name)
        continue
      }
      connect(top.name, to)
      if (states.has(to)) continue
      states.set(to, 'open')
      path.push({ name: to, rest: [...(outgoing.get(to) ?? [])] })
    }
  }
  return { next, before }
}

interface Depth {
  readonly name: string
  /** The number of arrows on the longest way to it. */
  readonly depth: number
}

function inOrder(next: Directed['next'], before: Directed['before']): Depth[] {
  const missing = new Map([...before].map(([name, all]) => [name, all.length]))
  const depths = new Map([...missing].filter(([, count]) => count === 0).map(([name]) => [name, 0]))
  // Names that are added are visited too.
  for (const name of depths.keys()) {
    for (const to of next.get(name) ?? []) {
      const left = (missing.get(to) ?? 0) - 1
      missing.set(to, left)
      if (left === 0) depths.set(to, Math.max(...(before.get(to) ?? []).map((other) => depths.get(other) ?? 0)) + 1)
    }
  }
  return [...depths].map(([name, depth]) => ({ name, depth }))
}

/** Compares names the same way in every language. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

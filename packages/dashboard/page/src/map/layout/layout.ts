import { align } from './align.ts'
import { type Arrow, compare, isTurned, layersOf } from './layers.ts'
import { nodeKey, type Ordered, order } from './order.ts'
import { type Route, routesOf } from './routes.ts'

export type { Arrow } from './layers.ts'
export type { Route } from './routes.ts'

/** Where a node is drawn, in pixels from the top left. */
export interface Box {
  readonly name: string
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** Where everything is drawn. */
export interface Layout {
  readonly width: number
  readonly height: number
  /** The room between two layers. */
  readonly gap: number
  readonly boxes: readonly Box[]
  /** One for each arrow, in their order. */
  readonly routes: readonly Route[]
}

const NODE_WIDTH = { min: 96, usual: 150, max: 200 } as const
const GAP = { min: 20, usual: 88, max: 168 } as const
const ROW_GAP = 24
/** How many nodes a layer has before further ones move to the next layer, if there is room for it. */
const ROWS_USUAL = 6
const LANE_HEIGHT = 12
/** The room above the first node, for a loop or a label. */
const TOP = 20
const ALIGNMENTS = 6
/** A narrow node has its figures below each other. */
const NARROW = 140
const HEIGHT = { narrow: 92, wide: 72 } as const

/**
 * Draws a graph in layers from left to right, within a width.
 *
 * The result depends on the arguments only, and not on the order of `names`. Undefined if the longest way through the graph
 * does not fit.
 */
export function layout(names: readonly string[], arrows: readonly Arrow[], width: number): Layout | undefined {
  const layers = fittingLayers(names, arrows, width)
  if (layers === undefined) return undefined
  const ordered = order(layers, arrows)
  const count = Math.max(1, ordered.layers.length)
  const nodeWidth = Math.floor(Math.min(Math.max((width / count) * 0.62, NODE_WIDTH.min), NODE_WIDTH.max))
  const gap = count === 1 ? 0 : Math.floor(Math.min((width - count * nodeWidth) / (count - 1), GAP.max))
  const nodeHeight = nodeWidth < NARROW ? HEIGHT.narrow : HEIGHT.wide
  const middles = middlesOf(ordered, nodeHeight)
  const boxes = [...layers].map(([name, layer]): Box => {
    const middle = middles.get(nodeKey(name)) ?? 0
    return { name, x: layer * (nodeWidth + gap), y: middle - nodeHeight / 2, width: nodeWidth, height: nodeHeight }
  })
  boxes.sort((a, b) => a.x - b.x || a.y - b.y)
  const columns = ordered.layers.map((_, layer) => layer * (nodeWidth + gap))
  return {
    width: count * nodeWidth + (count - 1) * gap,
    height: Math.max(0, ...[...middles.values()].map((middle) => middle + nodeHeight / 2)),
    gap,
    boxes,
    routes: routesOf(arrows, ordered, {
      ...{ columns, middles, nodeWidth, nodeHeight },
      isTurned: (arrow) => isTurned(arrow, layers),
    }),
  }
}

/** Finds layers that fit, with few nodes in each where there is room beside them. */
function fittingLayers(
  names: readonly string[],
  arrows: readonly Arrow[],
  width: number,
): ReadonlyMap<string, number> | undefined {
  const columnsMax = Math.floor((width + GAP.min) / (NODE_WIDTH.min + GAP.min))
  const columnsUsual = Math.floor((width + GAP.usual) / (NODE_WIDTH.usual + GAP.usual))
  const countOf = (layers: ReadonlyMap<string, number>): number => Math.max(0, ...layers.values()) + 1
  const least = layersOf(names, arrows)
  if (countOf(least) > columnsMax) return undefined
  const allowed = Math.max(countOf(least), Math.min(columnsUsual, columnsMax))
  for (let most = ROWS_USUAL; most < names.length; most += 1) {
    const layers = layersOf(names, arrows, most)
    if (countOf(layers) <= allowed) return layers
  }
  return least
}

/** Finds the middle of each place: near what it is linked to, below the place above it. The uppermost begins at 0. */
function middlesOf({ layers, ways }: Ordered, nodeHeight: number): ReadonlyMap<string, number> {
  const heightOf = (isNode: boolean): number => (isNode ? nodeHeight + ROW_GAP : LANE_HEIGHT)
  const linked = new Map<string, string[]>()
  for (const way of ways.toSorted((a, b) => compare(a.join(), b.join())))
    for (const [at, key] of way.slice(1).entries()) {
      const previous = way[at] ?? ''
      for (const [from, to] of [
        [key, previous],
        [previous, key],
      ] as const)
        linked.set(from, [...(linked.get(from) ?? []), to])
    }
  const middles = new Map<string, number>()
  for (const places of layers) {
    const whole = places.reduce((sum, { isNode }) => sum + heightOf(isNode), 0)
    let top = -whole / 2
    for (const { key, isNode } of places) {
      middles.set(key, top + heightOf(isNode) / 2)
      top += heightOf(isNode)
    }
  }
  for (let pass = 0; pass < ALIGNMENTS; pass += 1) {
    for (const places of pass % 2 === 0 ? layers : layers.toReversed()) {
      const found = align(
        places.map(({ key, isNode }) => {
          const others = linked.get(key) ?? []
          const sum = others.reduce((total, other) => total + (middles.get(other) ?? 0), 0)
          const wanted = others.length === 0 ? (middles.get(key) ?? 0) : sum / others.length
          return { wanted, height: heightOf(isNode) }
        }),
      )
      for (const [at, { key }] of places.entries()) middles.set(key, found[at] ?? 0)
    }
  }
  const tops = layers.flat().map(({ key, isNode }) => (middles.get(key) ?? 0) - (isNode ? nodeHeight / 2 : 0))
  const top = Math.min(...tops) - TOP
  return new Map([...middles].map(([key, middle]) => [key, Math.round(middle - top)]))
}

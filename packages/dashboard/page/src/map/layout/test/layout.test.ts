import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { align } from '../align.ts'
import { type Arrow, isTurned, layersOf } from '../layers.ts'
import { type Layout, layout } from '../layout.ts'
import { order } from '../order.ts'

const arrowsOf = (...texts: readonly string[]): readonly Arrow[] =>
  texts.map((text) => {
    const [from = '', to = ''] = text.split(' ')
    return { from, to }
  })
const namesOf = (arrows: readonly Arrow[]): readonly string[] => [
  ...new Set(arrows.flatMap(({ from, to }) => [from, to])),
]
const layersText = (arrows: readonly Arrow[], most?: number): Record<string, number> =>
  Object.fromEntries(layersOf(namesOf(arrows), arrows, most))

/** A graph with circles, loops and doubled arrows. */
const graph = fc
  .array(fc.tuple(fc.nat(24), fc.nat(24)), { maxLength: 60 })
  .map((pairs) => pairs.map(([from, to]) => ({ from: `s${from}`, to: `s${to}` })))

function overlaps({ boxes }: Layout): number {
  return boxes.filter((a, at) =>
    boxes
      .slice(at + 1)
      .some((b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height),
  ).length
}

describe('the layers', () => {
  it('put each service behind all that call it', () => {
    expect(layersText(arrowsOf('web shop', 'shop stock', 'web stock', 'stock db', 'cron db'))).toEqual({
      ...{ web: 0, cron: 0, shop: 1, stock: 2, db: 3 },
    })
  })

  it('cut a circle where it was entered, and ignore loops', () => {
    const arrows = arrowsOf('web a', 'a b', 'b c', 'c a', 'b b')
    expect(layersText(arrows)).toEqual({ web: 0, a: 1, b: 2, c: 3 })
    const layers = layersOf(namesOf(arrows), arrows)
    expect(arrows.map((arrow) => isTurned(arrow, layers))).toEqual([false, false, false, true, false])
  })

  it('move what has no room to later layers, first what calls nothing', () => {
    const arrows = arrowsOf('web a', 'web b', 'web c', 'c d')
    expect(layersText(arrows, 2)).toEqual({ web: 0, a: 1, c: 1, b: 2, d: 2 })
  })

  it('lead every arrow to another layer, whatever the graph is', () => {
    fc.assert(
      fc.property(graph, fc.integer({ min: 1, max: 9 }), (arrows, most) => {
        const layers = layersOf(namesOf(arrows), arrows, most)
        expect([...layers.keys()].sort()).toEqual(namesOf(arrows).toSorted())
        for (const { from, to } of arrows) if (from !== to) expect(layers.get(from)).not.toBe(layers.get(to))
        const counts = new Map<number, number>()
        for (const layer of layers.values()) counts.set(layer, (counts.get(layer) ?? 0) + 1)
        expect(Math.max(0, ...counts.values())).toBeLessThanOrEqual(most)
      }),
      { numRuns: 500 },
    )
  })

  it('have no turned arrow in a graph without circles', () => {
    fc.assert(
      fc.property(graph, (any) => {
        const arrows = any.filter(({ from, to }) => Number(from.slice(1)) < Number(to.slice(1)))
        const layers = layersOf(namesOf(arrows), arrows)
        expect(arrows.filter((arrow) => isTurned(arrow, layers))).toEqual([])
      }),
      { numRuns: 500 },
    )
  })
})

describe('the order', () => {
  it('has no crossing where none is needed', () => {
    const arrows = arrowsOf('a z', 'b y', 'c x')
    const { layers } = order(layersOf(namesOf(arrows), arrows), arrows)
    const [left = [], right = []] = layers.map((places) => places.map(({ key }) => key.slice(1)))
    expect(left.map((name) => arrows.find(({ from }) => from === name)?.to)).toEqual(right)
  })

  it('leads arrows from one service through one place of each layer between', () => {
    const arrows = arrowsOf('a b', 'b c', 'c d', 'a d', 'a c', 'a e', 'd e')
    const { ways, layers } = order(layersOf(namesOf(arrows), arrows), arrows)
    expect(ways[3]).toHaveLength(4)
    expect(ways[3]?.[1]).toBe(ways[4]?.[1])
    expect(layers.flat().filter(({ isNode }) => !isNode)).toHaveLength(3)
  })
})

describe('align', () => {
  it('keeps the order, leaves no overlap, and moves nothing that has room', () => {
    const item = fc.record({ wanted: fc.integer({ min: -500, max: 500 }), height: fc.integer({ min: 1, max: 80 }) })
    fc.assert(
      fc.property(fc.array(item, { maxLength: 30 }), (items) => {
        const middles = align(items)
        for (const [at, { height }] of items.entries()) {
          if (at === 0) continue
          const room = ((items[at - 1]?.height ?? 0) + height) / 2
          expect((middles[at] ?? 0) - (middles[at - 1] ?? 0)).toBeGreaterThanOrEqual(room - 1e-6)
        }
        const isFree = items.every(
          ({ wanted, height }, at) =>
            at === 0 || wanted - (items[at - 1]?.wanted ?? 0) >= ((items[at - 1]?.height ?? 0) + height) / 2,
        )
        if (isFree) for (const [at, { wanted }] of items.entries()) expect(middles[at]).toBeCloseTo(wanted)
      }),
      { numRuns: 1_000 },
    )
  })
})

/** Two services have the same middle, if it is summed up in one order only. */
const EQUAL_MIDDLES: [number, number][] = [
  [3, 2],
  [11, 5],
  [8, 1],
  [6, 4],
  [11, 8],
  [2, 4],
  [11, 0],
  [10, 4],
]

describe('the layout', () => {
  it('is within its width and covers nothing, or is undefined, whatever the graph is', () => {
    fc.assert(
      fc.property(graph, fc.constantFrom(358, 700, 1_392), (arrows, width) => {
        const names = namesOf(arrows)
        const drawn = layout(names, arrows, width)
        if (drawn === undefined) return
        expect(drawn.width).toBeLessThanOrEqual(width)
        expect(drawn.boxes).toHaveLength(names.length)
        expect(overlaps(drawn)).toBe(0)
        for (const { y, height } of drawn.boxes) {
          expect(y).toBeGreaterThanOrEqual(0)
          expect(y + height).toBeLessThanOrEqual(drawn.height)
        }
        expect(drawn.routes).toHaveLength(arrows.length)
        for (const { path } of drawn.routes) expect(path).toMatch(/^M[-\d. CL]+$/)
      }),
      { numRuns: 300 },
    )
  })

  it('does not depend on the order of what it gets', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.nat(15), fc.nat(15)), { maxLength: 40, selector: String }),
        fc.nat(),
        (pairs, turn) => {
          const arrows = pairs.map(([from, to]) => ({ from: `s${from}`, to: `s${to}` }))
          const turned = arrows.map((_, at) => arrows[(at + turn) % arrows.length] as Arrow).reverse()
          const [one, other] = [layout(namesOf(arrows), arrows, 1_392), layout(namesOf(turned), turned, 1_392)]
          expect(other?.boxes).toEqual(one?.boxes)
          const routeOf = (drawn: Layout | undefined, all: readonly Arrow[]) =>
            new Map(all.map(({ from, to }, at) => [`${from} ${to}`, drawn?.routes[at]]))
          expect(routeOf(other, turned)).toEqual(routeOf(one, arrows))
        },
      ),
      { numRuns: 200, examples: [[EQUAL_MIDDLES, 0]] },
    )
  })

  it('draws one service, a loop, and two services that call each other, apart', () => {
    const single = layout(['a'], arrowsOf('a a'), 358)
    expect(single?.boxes).toMatchObject([{ name: 'a', x: 0 }])
    expect(single?.routes[0]?.end.towards).toBe('down')
    const both = layout(['a', 'b'], arrowsOf('a b', 'b a'), 1_392)
    expect(both?.routes.map(({ end }) => end.towards)).toEqual(['right', 'left'])
    expect(both?.routes[0]?.label.y).not.toBe(both?.routes[1]?.label.y)
    expect(layout([], [], 358)?.boxes).toEqual([])
  })

  it('spreads sixty services that one calls over the width, and is undefined for a chain that does not fit', () => {
    const star = Array.from({ length: 59 }, (_, at) => ({ from: 'gateway', to: `s${at}` }))
    const drawn = layout(namesOf(star), star, 1_392)
    expect(new Set(drawn?.boxes.map(({ x }) => x)).size).toBeGreaterThan(4)
    expect(drawn?.height).toBeLessThan(1_500)
    const chain = Array.from({ length: 20 }, (_, at) => ({ from: `s${at}`, to: `s${at + 1}` }))
    expect(layout(namesOf(chain), chain, 1_392)).toBeUndefined()
    expect(layout(namesOf(star), star, 358)?.width).toBeLessThanOrEqual(358)
  })

  it('draws a hundred services with three hundred calls in less than a second', () => {
    const arrows = Array.from({ length: 300 }, (_, at) => ({
      from: `s${(at * 7) % 40}`,
      to: `s${40 + ((at * 13) % 60)}`,
    }))
    const startedMs = performance.now()
    layout(namesOf(arrows), arrows, 1_392)
    expect(performance.now() - startedMs).toBeLessThan(1_000)
  })
})

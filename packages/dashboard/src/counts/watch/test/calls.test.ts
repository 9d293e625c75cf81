import { beforeEach, describe, expect, it } from 'vitest'
import { hashOf } from '../../../traces/trace-filter.ts'
import { Calls } from '../calls.ts'
import { Edges } from '../edges.ts'
import { FAILED } from '../request-flags.ts'
import { ServiceWatch } from '../service-watch.ts'

const LIMITS = { failingShare: 0.05, healthyShare: 0.001, slowerThanMs: Number.POSITIVE_INFINITY, oldAfterMs: 900_000 }
const [shop, inventory, product] = ['shop', 'inventory', 'product'].map(
  (name, index) => new ServiceWatch(name, index + 1, LIMITS),
) as [ServiceWatch, ServiceWatch, ServiceWatch]
const NOW = 1_800_000_000_000
const trace = hashOf('trace')

let edges: Edges
let nested: Edges
let hops: number
let calls: Calls
beforeEach(() => {
  edges = new Edges()
  nested = new Edges()
  hops = 0
  calls = new Calls(edges, nested, () => {
    hops += 1
  })
})

const edgesOf = (all: Edges) =>
  all.all.map(({ caller, callee, calls: count }) => `${caller.name} ${callee.name} ${count}`)
const child = (watch: ServiceWatch, parent: string, from: number, to: number, hash: number | undefined = trace) =>
  calls.addChild(hashOf(parent), hash, watch, NOW + to, NOW + to, FAILED, 503, to - from)

describe('calls', () => {
  it('finds the parent span, whichever line comes first', () => {
    child(inventory, 'a', 0, 5, undefined)
    expect(hops).toBe(0)
    calls.seeSpan(hashOf('a'), shop)
    expect(hops).toBe(1)
    calls.seeSpan(hashOf('b'), shop)
    child(product, 'b', 0, 5, undefined)
    expect(hops).toBe(2)
    expect(edgesOf(edges)).toEqual(['shop inventory 1', 'shop product 1'])
    expect(edges.between(shop, inventory)).toMatchObject({ failures: 1 })
  })

  it('takes a request of a client’s own span for a hop if its trace has a root, in either order', () => {
    child(inventory, 'client', 1, 5)
    calls.addRoot(trace, shop)
    child(product, 'client2', 1, 5)
    expect(hops).toBe(2)
    expect(edgesOf(edges)).toEqual(['shop inventory 1', 'shop product 1'])
  })

  it('counts a request as an entry if only its own service is in the trace', () => {
    child(shop, 'browser', 0, 9)
    child(shop, 'browser', 10, 19)
    calls.addRoot(trace, shop)
    expect(hops).toBe(0)
  })

  it('takes the inner one of two requests for a hop behind a gateway without logs', () => {
    child(inventory, 'client', 20, 40)
    child(shop, 'gateway', 0, 60)
    expect(hops).toBe(1)
    expect(edgesOf(nested)).toEqual(['shop inventory 1'])
  })

  it('counts requests one after the other as entries', () => {
    child(inventory, 'x', 0, 10)
    child(shop, 'y', 50, 60)
    expect(hops).toBe(0)
  })

  it('counts a hop once, however often its caller is found', () => {
    calls.seeSpan(hashOf('a'), shop)
    child(inventory, 'a', 0, 5)
    calls.addRoot(trace, shop)
    calls.addRoot(trace, shop)
    calls.seeSpan(hashOf('a'), shop)
    expect(hops).toBe(1)
    expect(edgesOf(edges)).toEqual(['shop inventory 1'])
  })

  it('forgets old requests and keeps its size', () => {
    child(inventory, 'first', 0, 5, undefined)
    for (let request = 0; request < 40_000; request += 1) child(inventory, `p${request}`, 0, 5, hashOf(`t${request}`))
    calls.seeSpan(hashOf('first'), shop)
    expect(hops).toBe(0)
    calls.seeSpan(hashOf('p39999'), shop)
    expect(hops).toBe(1)
  })
})

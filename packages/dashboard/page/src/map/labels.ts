import type { Call } from '../../../src/report/calls.ts'
import { f, t } from '../state/state.ts'
import { rateText } from '../tables/rate.ts'
import { textFor } from '../text/text-for.ts'
import { failedShare, type MapEdge, openBreaker, signOfCall, troubleOf } from './graph.ts'
import { align } from './layout/align.ts'
import type { Layout, Route } from './layout/layout.ts'

/** A text at a line. */
export interface Label {
  readonly key: string
  readonly text: string
  readonly x: number
  readonly y: number
  readonly align: Route['label']['align']
  readonly edge: MapEdge
}

const LINE_HEIGHT = 16
/** A narrower gap has room for signs only. */
const WORDS_GAP = 88
/** The state of a breaker takes more room. */
const STATE_GAP = 112
/** A gap of this width has room for two figures. */
const TWO_GAP = 150
/** With more lines, only those with trouble have a label. */
const QUIET_EDGES_MAX = 24

/** Places the labels of the lines, without overlaps. Where there is no room for all, those with less trouble are left out. */
export function labelsOf({ routes, gap, height }: Layout, edges: readonly MapEdge[]): readonly Label[] {
  const isQuiet = edges.length > QUIET_EDGES_MAX
  const byGap = new Map<number, { readonly edge: MapEdge; readonly route: Route; readonly text: string }[]>()
  for (const [at, edge] of edges.entries()) {
    const route = routes[at]
    const text = textOf(edge.call, gap, isQuiet)
    if (route === undefined || text === '') continue
    byGap.set(route.label.gap, [...(byGap.get(route.label.gap) ?? []), { edge, route, text }])
  }
  return [...byGap.values()].flatMap((all) => {
    const most = Math.max(1, Math.floor(height / LINE_HEIGHT))
    const shown = all.toSorted((a, b) => troubleOf(b.edge.call) - troubleOf(a.edge.call)).slice(0, most)
    shown.sort((a, b) => a.route.label.y - b.route.label.y)
    const ys = align(shown.map(({ route }) => ({ wanted: route.label.y, height: LINE_HEIGHT })))
    return shown.map(({ edge, route, text }, at) => ({
      ...{ key: `${edge.from}\u0000${edge.to}`, text, edge },
      ...{ x: route.label.x, y: Math.max(LINE_HEIGHT / 2, ys[at] ?? 0), align: route.label.align },
    }))
  })
}

/** Rounded to two digits: a label has little room. */
export function shareText(share: number): string {
  return f.value.percent(Number(share.toPrecision(2)))
}

function textOf(call: Call, gap: number, isQuiet: boolean): string {
  const sign = signOfCall(call)
  const breaker = openBreaker(call)
  if (gap < WORDS_GAP) return [sign, breaker === undefined ? '' : '⊘'].join('')
  const share = failedShare(call)
  const isWide = gap >= STATE_GAP
  const figures = [
    ...(sign !== '' && share !== undefined ? [`${sign} ${shareText(share)}`] : []),
    ...(breaker !== undefined && isWide ? [`⊘ ${textFor(t.value.states, breaker.state)}`] : []),
    ...(isQuiet || call.calls === null || call.calls === 0 ? [] : [rateText(call.calls, call.seconds ?? 60)]),
  ]
  const text = figures.slice(0, gap < TWO_GAP ? 1 : 2).join(' · ')
  return breaker === undefined || isWide ? text : `${text} ⊘`.trimStart()
}

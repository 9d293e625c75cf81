import { computed, effect, signal } from '@preact/signals'
import type { LineRef } from '../../../src/journal/line-place.ts'
import { ZOOM_S } from '../../../src/report/ranges.ts'
import { selectionQuery } from './selection.ts'
import { now, openTrace, parts, remember, seconds } from './state.ts'

/** A range in milliseconds since 1970. */
export interface Zoom {
  readonly from: number
  readonly to: number
}

/** The range that was chosen in a chart; undefined for one that ends now. */
export const zoom = signal<Zoom | undefined>(zoomOf(new URLSearchParams(location.search)))
/** The range and the selection as a query of the server. */
export const viewQuery = computed(() => {
  const { value: zoomed } = zoom
  const range = zoomed === undefined ? `range=${seconds.value}` : `from=${zoomed.from}&to=${zoomed.to}`
  return `${range}${selectionQuery.value}`
})
/** Whether requests are shown by status code instead of by class. */
export const isByCode = signal(new URLSearchParams(location.search).get('by') === 'code')
/** Whether the axis of the latency is logarithmic. */
export const isLogAxis = signal(new URLSearchParams(location.search).get('axis') === 'log')
/** Whether the latency is shown as a heatmap instead of lines. */
export const isHeat = signal(new URLSearchParams(location.search).get('latency') === 'heatmap')
/** The start of the column under the pointer, in any chart. */
export const hoverAt = signal<number | undefined>(undefined)
/** The line shown in the drawer, if it belongs to no trace. */
export const openLine = signal<LineRef | undefined>(undefined)
/** Whether the shown numbers are still those of another range. */
export const isRangeLoading = signal(false)

openTrace.value = new URLSearchParams(location.search).get('trace') ?? undefined

effect(() => {
  remember('from', zoom.value && new Date(zoom.value.from).toISOString())
  remember('to', zoom.value && new Date(zoom.value.to).toISOString())
})
effect(() => remember('by', isByCode.value ? 'code' : undefined))
effect(() => remember('axis', isLogAxis.value ? 'log' : undefined))
effect(() => remember('latency', isHeat.value ? 'heatmap' : undefined))
effect(() => remember('trace', openTrace.value))

// A range that is chosen in the header ends now.
let chosenSeconds = seconds.peek()
effect(() => {
  if (seconds.value === chosenSeconds) return
  chosenSeconds = seconds.value
  zoom.value = undefined
})

/** Shows a range, made longer or shorter where it is beyond the limits. */
export function zoomTo(from: number, to: number): void {
  const middle = (from + to) / 2
  const width = Math.min(Math.max(to - from, ZOOM_S.min * 1_000), ZOOM_S.max * 1_000)
  zoom.value = { from: Math.round(middle - width / 2), to: Math.round(middle + width / 2) }
}

/** Moves the range by a share of its width. */
export function moveBy(share: number): void {
  const range = parts.peek()?.range
  if (range === undefined) return
  // Nothing was logged after now.
  if (share > 0 && range.to > now.peek()) return
  const shift = (range.to - range.from) * share
  zoomTo(range.from + shift, range.to + shift)
}

/** Makes the range this many times as long, around its middle. */
export function scaleBy(factor: number): void {
  const range = parts.peek()?.range
  if (range === undefined) return
  const middle = (range.from + range.to) / 2
  const half = ((range.to - range.from) / 2) * factor
  zoomTo(middle - half, middle + half)
}

/** Shows the range that ends now again. */
export function resetZoom(): void {
  zoom.value = undefined
}

function zoomOf(query: URLSearchParams): Zoom | undefined {
  const [from, to] = [query.get('from'), query.get('to')].map((text) => Date.parse(text ?? ''))
  if (from === undefined || to === undefined || Number.isNaN(from) || Number.isNaN(to)) return undefined
  const width = (to - from) / 1_000
  return width >= ZOOM_S.min && width <= ZOOM_S.max ? { from, to } : undefined
}

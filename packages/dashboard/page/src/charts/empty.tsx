import { RANGES } from '../../../src/report/ranges.ts'
import { columns, seconds, t } from '../state/state.ts'
import { isRangeLoading, resetZoom, zoom } from '../state/view.ts'

/** Says why a chart is empty, and offers a range that may not be. */
export function Empty({ text }: { readonly text: string }) {
  if (isRangeLoading.value) return null
  return (
    <div class="empty">
      <p>{text}</p>
      {columns.value.length === 0 && <Wider />}
    </div>
  )
}

/** The one thing to do about an empty range: show another one. */
function Wider() {
  const texts = t.value
  if (zoom.value !== undefined) {
    return (
      <button type="button" onClick={resetZoom}>
        {texts.resetZoom}
      </button>
    )
  }
  const wider = [...RANGES.keys()].find((range) => range > seconds.value)
  if (wider === undefined) return null
  return (
    <button
      type="button"
      onClick={() => {
        seconds.value = wider
      }}
    >
      {texts.showRange(texts.ranges[wider] ?? '')}
    </button>
  )
}

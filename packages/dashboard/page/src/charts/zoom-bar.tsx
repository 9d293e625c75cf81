import { f, parts, t } from '../state/state.ts'
import { moveBy, resetZoom, scaleBy, zoom } from '../state/view.ts'
import { isSameDay } from './time-labels.ts'

/** Says which time the charts show, and moves it. A drag in a chart does the same. */
export function ZoomBar() {
  const texts = t.value
  const range = parts.value?.range
  if (range === undefined) return null
  const { from, to } = range
  const format = f.value
  const start = isSameDay(from, to - 1) && isSameDay(from, Date.now()) ? format.clock(from) : format.day(from)
  const end = isSameDay(from, to - 1) ? format.clock(to) : format.day(to)
  return (
    <div class="zoom-bar">
      <p>
        <span class="quiet">{texts.shownTime}</span> <time dateTime={new Date(from).toISOString()}>{start}</time>
        {' – '}
        <time dateTime={new Date(to).toISOString()}>{end}</time>
      </p>
      <fieldset class="switch">
        <legend class="visually-hidden">{texts.shownTime}</legend>
        <button type="button" aria-label={texts.earlier} title={texts.earlier} onClick={() => moveBy(-0.5)}>
          ‹
        </button>
        <button type="button" aria-label={texts.zoomOut} title={texts.zoomOut} onClick={() => scaleBy(2)}>
          −
        </button>
        <button type="button" aria-label={texts.zoomIn} title={texts.zoomIn} onClick={() => scaleBy(0.5)}>
          +
        </button>
        <button type="button" aria-label={texts.later} title={texts.later} onClick={() => moveBy(0.5)}>
          ›
        </button>
      </fieldset>
      {zoom.value !== undefined && (
        <button type="button" class="reset" onClick={resetZoom}>
          {texts.resetZoom}
        </button>
      )}
    </div>
  )
}
